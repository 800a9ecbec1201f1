# tcl_smtp HOST PORT FILE [USER PASSWORD]: tcllib's smtp and mime.
package require mime
package require smtp
lassign $argv host port path user password
set message [mime::initialize -file $path]
if {[catch {
	smtp::sendmessage $message -servers $host -ports $port -client client.a.example \
		-username $user -password $password -originator sender@a.example -recipients a@b.example
} result]} {
	puts stderr $result
	exit 1
}
