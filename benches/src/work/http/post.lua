-- One submit: a payload of about 100 bytes, as in every workload.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"task_type":"noop","payload":{"path":"pictures/2030/holiday-000000000001.jpg","width":320,"height":200,"format":"webp","by":"bench"}}'
