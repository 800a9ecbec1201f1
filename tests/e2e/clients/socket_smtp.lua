-- socket_smtp HOST PORT FILE: LuaSocket's smtp.
local ltn12 = require("ltn12")
local mime = require("mime")
local smtp = require("socket.smtp")
local host, port, path = table.unpack(arg)
-- It adds a line end of its own before the dot.
local content = assert(io.open(path, "rb")):read("a"):gsub("\n$", "")
assert(smtp.send{
	server = host, port = port, domain = "client.a.example",
	from = "<sender@a.example>", rcpt = "<a@b.example>",
	source = ltn12.source.chain(ltn12.source.string(content), mime.normalize()),
})
