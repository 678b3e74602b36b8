"""Siblings: does what is learnt from one fixed place lead to the others?"""
