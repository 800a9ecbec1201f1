# tcl_smtp HOST PORT FILE: tcllib's smtp and mime.
package require mime
package require smtp
lassign $argv host port path
set message [mime::initialize -file $path]
if {[catch {
	smtp::sendmessage $message -servers $host -ports $port -client client.a.example \
		-originator sender@a.example -recipients a@b.example
} result]} {
	puts stderr $result
	exit 1
}
