-- wrk sends the requests of a file: whole, signed before, all of one length, each once.
local length = tonumber(os.getenv("RUNNEL_REQUEST_BYTES"))
local file = io.open(os.getenv("RUNNEL_REQUESTS"), "rb")

function request()
  local text = file:read(length)
  if not text then error("the file has too few requests") end
  return text
end

function done(summary, latency)
  local errors = summary.errors
  local refused = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  print(string.format("RUNNEL %d %d %d %d %d", summary.requests, summary.duration, refused,
    latency:percentile(50), latency:percentile(99)))
end
