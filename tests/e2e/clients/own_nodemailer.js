// own_nodemailer HOST PORT FILE CAFILE: nodemailer with requireTLS.
const fs = require('fs');
const nodemailer = require('nodemailer');
const [host, port, path, ca] = process.argv.slice(2);
const transport = nodemailer.createTransport({ host, port: Number(port), name: 'client.a.example', requireTLS: true,
	tls: { ca: fs.readFileSync(ca), maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' } });
transport
	.sendMail({ envelope: { from: 'sender@a.example', to: 'a@b.example' }, raw: fs.readFileSync(path) })
	.then((info) => console.log(info.response));
