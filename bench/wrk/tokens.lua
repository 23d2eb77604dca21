-- Another token of a list with each request.
-- Arguments: file of tokens, index of the first, how many, "again" (from the start after the last) or "once" (then stop).
local requests, sent, again = {}, 0, true

function init(args)
  local first, count = tonumber(args[2]), tonumber(args[3])
  again = args[4] == "again"
  local index = 0
  for token in io.lines(args[1]) do
    if index >= first and index < first + count then
      wrk.headers["Authorization"] = "Bearer " .. token
      requests[#requests + 1] = wrk.format()
    end
    index = index + 1
  end
end

function request()
  sent = sent + 1
  if sent > #requests and not again then wrk.thread:stop() end
  return requests[(sent - 1) % #requests + 1]
end
