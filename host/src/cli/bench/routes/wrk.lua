-- What wrk sends for one route: the same method, headers and body, and the paths of a file, one after the other. A route that
-- changes something takes each path once and stops the load when there are no more; one that reads begins again.
-- Arguments: method, file of paths, body, Authorization, `once` or `again`.

local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long seconds; long nanos; } moment;
  int clock_gettime(int clock, moment *at);
]]

local paths, at, once, first = {}, 0, false, nil
-- Microseconds until there were no more paths; nothing while there are. Not local, since `done` asks the thread for it.
spent = 0
sent = 0

local function now()
  local moment = ffi.new("moment")
  ffi.C.clock_gettime(1, moment)
  return tonumber(moment.seconds) * 1e6 + tonumber(moment.nanos) / 1e3
end

function init(arguments)
  wrk.method = arguments[1]
  for line in io.lines(arguments[2]) do
    paths[#paths + 1] = line
  end
  if arguments[3] ~= "" then
    wrk.body = arguments[3]
    wrk.headers["content-type"] = "application/json"
  end
  wrk.headers["authorization"] = arguments[4]
  once = arguments[5] == "once"
end

function request()
  first = first or now()
  at = at + 1
  if at <= #paths then
    return wrk.format(nil, paths[at])
  end
  if not once then
    at = 1
    return wrk.format(nil, paths[at])
  end
  if spent == 0 then
    spent, sent = now() - first, #paths
    wrk.thread:stop()
  end
  -- Something has to be sent still, and this changes nothing.
  return wrk.format("GET", "/health/live")
end

local threads = {}

function setup(thread)
  threads[#threads + 1] = thread
end

function done(summary, latency)
  local errors = summary.errors
  local broken = errors.connect + errors.read + errors.write + errors.timeout
  local requests, micros = summary.requests, summary.duration
  if threads[1]:get("spent") > 0 then
    requests, micros = threads[1]:get("sent"), threads[1]:get("spent")
  end
  io.write(string.format(
    "\n{\"requests\":%d,\"micros\":%d,\"refused\":%d,\"broken\":%d,\"p50\":%d,\"p99\":%d}\n",
    requests, micros, errors.status, broken, latency:percentile(50.0), latency:percentile(99.0)))
end
