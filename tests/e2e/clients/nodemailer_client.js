// nodemailer_client HOST PORT FILE [USER PASSWORD]
const fs = require('fs');
const nodemailer = require('nodemailer');
const [host, port, path, user, pass] = process.argv.slice(2);
const transport = nodemailer.createTransport({ host, port: Number(port), name: 'client.a.example', auth: user && { user, pass } });
transport
	.sendMail({ envelope: { from: 'sender@a.example', to: 'a@b.example' }, raw: fs.readFileSync(path) })
	.then((info) => console.log(info.response));
