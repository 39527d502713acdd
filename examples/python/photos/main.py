# main.py
from photos import thumbnail
handle = thumbnail.submit(path="a.jpg")                                   # the handler's own arguments, typed
handle = thumbnail.options(idempotency_key="thumb-a", priority="high").submit(path="a.jpg")
print(handle.result(timeout=60))
