-- Tokens whose signatures are wrong, each another one.
-- Arguments: a valid token, number of the first, milliseconds between two requests of a connection.
local before, after, number, pause

function init(args)
  local signature = args[1]:match("^.*()%.") + 1
  before = "Bearer " .. args[1]:sub(1, signature + 7)
  after = args[1]:sub(signature + 16)
  number = tonumber(args[2])
  pause = tonumber(args[3])
end

function request()
  number = number + 1
  wrk.headers["Authorization"] = before .. string.format("%08x", number) .. after
  return wrk.format()
end

function delay()
  return pause
end
