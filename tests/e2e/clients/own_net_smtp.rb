# own_net_smtp HOST PORT FILE CAFILE: Ruby's net/smtp with STARTTLS of its own, which it looks for.
require 'net/smtp'
host, port, path, ca = ARGV
context = OpenSSL::SSL::SSLContext.new
context.ca_file = ca
context.verify_mode = OpenSSL::SSL::VERIFY_PEER
context.max_version = OpenSSL::SSL::TLS1_2_VERSION
context.ciphers = 'ECDHE-ECDSA-AES128-GCM-SHA256'
smtp = Net::SMTP.new(host, port.to_i)
smtp.enable_starttls(context)
smtp.start('client.a.example') { |s| s.send_message(File.read(path), 'sender@a.example', 'a@b.example') }
