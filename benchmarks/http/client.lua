-- Sends the bodies in the files that are named after `--`, in turns, and prints the results as one line of JSON.

local requests, sent = {}, 0

function init(args)
   for _, path in ipairs(args) do
      local file = assert(io.open(path, "rb"))
      local headers = { ["Content-Type"] = "multipart/form-data; boundary=vistazo" }
      requests[#requests + 1] = wrk.format("POST", nil, headers, file:read("*a"))
      file:close()
   end
end

function request()
   sent = sent + 1
   return requests[sent % #requests + 1]
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '{"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p95_ms": %.3f, "p99_ms": %.3f, ' ..
      '"refused": %d, "broken": %d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(95) / 1e3,
      latency:percentile(99) / 1e3, errors.status, errors.connect + errors.read + errors.write + errors.timeout
   ))
end
