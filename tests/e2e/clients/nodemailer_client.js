// nodemailer_client HOST PORT FILE
const fs = require('fs');
const nodemailer = require('nodemailer');
const [host, port, path] = process.argv.slice(2);
const transport = nodemailer.createTransport({ host, port: Number(port), name: 'client.a.example' });
transport
	.sendMail({ envelope: { from: 'sender@a.example', to: 'a@b.example' }, raw: fs.readFileSync(path) })
	.then((info) => console.log(info.response));
