// own_tls HOST PORT FILE CAFILE: STARTTLS with Node's net and tls, as nodemailer does it with requireTLS.
const fs = require('fs'), net = require('net'), tls = require('tls');
const [host, port, path, ca] = process.argv.slice(2);
const lines = fs.readFileSync(path, 'latin1').split('\n').slice(0, -1).map(l => (l[0] === '.' ? '.' : '') + l);
const script = [['', 220], ['EHLO client.a.example', 250], ['STARTTLS', 220], ['EHLO client.a.example', 250],
	['MAIL FROM:<sender@a.example>', 250], ['RCPT TO:<a@b.example>', 250], ['DATA', 354], [lines.concat('.').join('\r\n'), 250], ['QUIT', 221]];
let step = 0, heard = '', socket = net.connect(port, host);

function next() {
	if (++step === script.length)
		return socket.end();
	if (script[step - 1][0] !== 'STARTTLS')
		return socket.write(Buffer.from(script[step][0] + '\r\n', 'latin1'));
	socket.removeAllListeners('data');
	socket = tls.connect({socket, servername: host, ca: fs.readFileSync(ca), maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256'},
		() => socket.write(script[step][0] + '\r\n'));
	listen();
}

function listen() {
	socket.on('error', e => { console.log('error', e.message); process.exit(1); });
	socket.on('data', chunk => {
		heard += chunk.toString('latin1');
		if (!/^\d{3}(?!-).*\r\n$/m.test(heard))
			return;
		console.log('<-', heard.trimEnd());
		if (!heard.startsWith(script[step][1]))
			process.exit(1);
		heard = '';
		next();
	});
}
listen();
