"""A serving job of several ranks, as small as one can be: each holds a part of the requests' scores, and they meet."""
