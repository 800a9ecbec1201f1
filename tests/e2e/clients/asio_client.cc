// asio_client HOST PORT FILE: Boost.Asio, everything asynchronous on one io_context.
#include <boost/asio.hpp>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <utility>
#include <vector>

using boost::asio::ip::tcp;

static std::string dotted(const char *path)
{
	std::ifstream file(path);
	std::string line, content;

	while (std::getline(file, line))
		content += (line[0] == '.' ? "." : "") + line + "\r\n";
	return content + ".";
}

class client {
public:
	client(boost::asio::io_context &context, const char *path)
	    : socket(context), steps{{"EHLO client.a.example", '2'}, {"MAIL FROM:<sender@a.example>", '2'},
				       {"RCPT TO:<a@b.example>", '2'}, {"DATA", '3'}, {dotted(path), '2'}, {"QUIT", '2'}}
	{
	}

	void start(const tcp::resolver::results_type &targets)
	{
		boost::asio::async_connect(socket, targets, [this](boost::system::error_code e, tcp::endpoint) {
			if (e)
				throw boost::system::system_error(e);
			hear('2');
		});
	}

private:
	tcp::socket socket;
	std::vector<std::pair<std::string, char>> steps;
	size_t step = 0;
	std::string out, in;

	void hear(char first)
	{
		boost::asio::async_read_until(socket, boost::asio::dynamic_buffer(in), '\n',
			[this, first](boost::system::error_code e, size_t length) {
				if (e)
					throw boost::system::system_error(e);
				std::string line = in.substr(0, length);
				in.erase(0, length);
				std::cout << line;
				if (line[3] == '-')
					return hear(first);
				if (line[0] != first)
					throw std::runtime_error(line);
				say();
			});
	}

	void say()
	{
		if (step == steps.size())
			return;
		out = steps[step].first + "\r\n";
		boost::asio::async_write(socket, boost::asio::buffer(out), [this](boost::system::error_code e, size_t) {
			if (e)
				throw boost::system::system_error(e);
			hear(steps[step++].second);
		});
	}
};

int main(int, char **argv)
{
	boost::asio::io_context context;
	tcp::resolver resolver(context);
	client c(context, argv[3]);

	try {
		c.start(resolver.resolve(argv[1], argv[2]));
		context.run();
	} catch (const std::exception &e) {
		std::cerr << e.what() << '\n';
		return 1;
	}
}
