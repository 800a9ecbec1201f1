// rust_client HOST PORT FILE: SMTP by hand over std::net.
use std::io::{BufRead, BufReader, Error, ErrorKind, Result, Write};
use std::net::TcpStream;

fn hear(reader: &mut impl BufRead, first: char) -> Result<()> {
    let mut line = String::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        print!("{}", line);
        if line.chars().nth(3) != Some('-') {
            break;
        }
    }
    if line.starts_with(first) { Ok(()) } else { Err(Error::new(ErrorKind::Other, line)) }
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let mut content = String::new();
    for line in std::fs::read_to_string(&args[3])?.lines() {
        content += if line.starts_with('.') { "." } else { "" };
        content += line;
        content += "\r\n";
    }
    content += ".";

    let mut stream = TcpStream::connect(format!("{}:{}", args[1], args[2]))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    hear(&mut reader, '2')?;
    for (line, first) in [
        ("EHLO client.a.example", '2'),
        ("MAIL FROM:<sender@a.example>", '2'),
        ("RCPT TO:<a@b.example>", '2'),
        ("DATA", '3'),
        (&content, '2'),
        ("QUIT", '2'),
    ] {
        stream.write_all(format!("{}\r\n", line).as_bytes())?;
        hear(&mut reader, first)?;
    }
    Ok(())
}
