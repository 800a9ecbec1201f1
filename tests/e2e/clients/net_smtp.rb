# net_smtp HOST PORT FILE [USER PASSWORD]: Ruby's net/smtp.
require 'net/smtp'
host, port, path, *login = ARGV
Net::SMTP.start(host, port.to_i, 'client.a.example', *login) do |smtp|
  smtp.send_message(File.read(path), 'sender@a.example', 'a@b.example')
end
