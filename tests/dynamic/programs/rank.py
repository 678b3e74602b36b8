import sys
import time

import ranks

ranks.run_rank(int(sys.argv[1]))
if "wait" in ranks.BUGS:
    time.sleep(60)
