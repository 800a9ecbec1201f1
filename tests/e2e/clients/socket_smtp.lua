-- socket_smtp HOST PORT FILE [USER PASSWORD]: LuaSocket's smtp.
local ltn12 = require("ltn12")
local mime = require("mime")
local smtp = require("socket.smtp")
local host, port, path, user, password = table.unpack(arg)
-- It adds a line end of its own before the dot.
local content = assert(io.open(path, "rb")):read("a"):gsub("\n$", "")
assert(smtp.send{
	server = host, port = port, domain = "client.a.example",
	user = user, password = password,
	from = "<sender@a.example>", rcpt = "<a@b.example>",
	source = ltn12.source.chain(ltn12.source.string(content), mime.normalize()),
})
