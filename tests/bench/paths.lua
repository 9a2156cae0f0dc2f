-- wrk asks for 200 paths in turn: what HAProxy keeps of a path that it has seen is not all there is.
local requests, at = {}, 0

function init()
	for i = 1, 200 do
		requests[i] = wrk.format(nil, "/torvalds/linux/src/" .. i .. "?page=" .. i)
	end
end

function request()
	at = at % #requests + 1
	return requests[at]
end
