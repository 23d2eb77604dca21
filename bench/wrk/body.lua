-- POST with a body. Arguments: its size, "length" or "chunked" (in chunks of 16 KiB).
local whole

function init(args)
  local size = tonumber(args[1])
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/octet-stream"
  if args[2] == "length" then
    wrk.body = string.rep("b", size)
    whole = wrk.format()
    return
  end
  wrk.headers["Transfer-Encoding"] = "chunked"
  local parts = { wrk.format() }
  while size > 0 do
    local length = math.min(size, 16384)
    parts[#parts + 1] = string.format("%x\r\n%s\r\n", length, string.rep("b", length))
    size = size - length
  end
  parts[#parts + 1] = "0\r\n\r\n"
  whole = table.concat(parts)
end

function request()
  return whole
end
