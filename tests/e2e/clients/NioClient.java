// NioClient HOST PORT FILE: SMTP by hand over a non-blocking SocketChannel and a Selector (epoll).
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

public class NioClient {
	static Selector selector;
	static SocketChannel channel;
	static SelectionKey key;
	static final StringBuilder input = new StringBuilder();

	static void await(int operation) throws IOException {
		key.interestOps(operation);
		if (selector.select(50_000) == 0)
			throw new IOException("timeout");
		selector.selectedKeys().clear();
	}

	static void say(String text) throws IOException {
		ByteBuffer out = ByteBuffer.wrap(text.getBytes(StandardCharsets.ISO_8859_1));
		while (out.hasRemaining()) {
			await(SelectionKey.OP_WRITE);
			channel.write(out);
		}
	}

	static String line() throws IOException {
		ByteBuffer in = ByteBuffer.allocate(4096);
		while (input.indexOf("\n") < 0) {
			await(SelectionKey.OP_READ);
			if (channel.read(in.clear()) < 0)
				throw new IOException("connection lost");
			input.append(StandardCharsets.ISO_8859_1.decode(in.flip()));
		}
		String line = input.substring(0, input.indexOf("\n") + 1);
		input.delete(0, line.length());
		return line;
	}

	static void hear(char first) throws IOException {
		String line;
		do {
			line = line();
			System.out.print(line);
		} while (line.charAt(3) == '-');
		if (line.charAt(0) != first)
			throw new IOException("refused: " + line);
	}

	public static void main(String[] args) throws IOException {
		selector = Selector.open();
		channel = SocketChannel.open();
		channel.configureBlocking(false);
		key = channel.register(selector, 0);
		channel.connect(new InetSocketAddress(args[0], Integer.parseInt(args[1])));
		while (!channel.finishConnect())
			await(SelectionKey.OP_CONNECT);
		hear('2');
		for (String line : new String[] {"EHLO client.a.example", "MAIL FROM:<sender@a.example>", "RCPT TO:<a@b.example>"}) {
			say(line + "\r\n");
			hear('2');
		}
		say("DATA\r\n");
		hear('3');
		for (String line : Files.readAllLines(Path.of(args[2])))
			say((line.startsWith(".") ? "." : "") + line + "\r\n");
		say(".\r\n");
		hear('2');
		say("QUIT\r\n");
		hear('2');
		channel.close();
	}
}
