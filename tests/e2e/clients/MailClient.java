// MailClient HOST PORT FILE [USER PASSWORD]: Jakarta Mail; helpers.mk makes one for javax.mail of it too. Other settings as -Dmail.smtp...=.
import jakarta.mail.Session;
import jakarta.mail.Transport;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeMessage;
import java.io.FileInputStream;
import java.util.Properties;

public class MailClient {
	public static void main(String[] args) throws Exception {
		Properties settings = new Properties(System.getProperties());
		settings.put("mail.smtp.host", args[0]);
		settings.put("mail.smtp.port", args[1]);
		settings.put("mail.smtp.localhost", "client.a.example");
		settings.put("mail.smtp.from", "sender@a.example");
		settings.put("mail.smtp.auth", args.length > 3);
		MimeMessage message = new MimeMessage(Session.getInstance(settings), new FileInputStream(args[2]));
		InternetAddress[] to = InternetAddress.parse("a@b.example");
		if (args.length > 3)
			Transport.send(message, to, args[3], args[4]);
		else
			Transport.send(message, to);
	}
}
