import signal
import sys

import lasting

if "own-handler" in sys.argv:
    signal.signal(signal.SIGUSR2, lambda number, frame: None)
lasting.main()
