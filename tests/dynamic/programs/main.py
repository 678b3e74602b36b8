import sys

import engine

engine.serve()
sys.exit(3)
