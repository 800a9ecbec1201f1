# net_smtp HOST PORT FILE: Ruby's net/smtp.
require 'net/smtp'
host, port, path = ARGV
Net::SMTP.start(host, port.to_i, 'client.a.example') do |smtp|
  smtp.send_message(File.read(path), 'sender@a.example', 'a@b.example')
end
