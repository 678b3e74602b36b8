import sys
from http.server import ThreadingHTTPServer

import server

httpd = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), server.Handler)
try:
    httpd.serve_forever()
except KeyboardInterrupt:
    httpd.server_close()
