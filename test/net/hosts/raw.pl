# Sends and receives whole packets, which Node can't: raw sockets of the namespace that it runs in.
# Reads frames from stdin, `length (16 bits) | packet`: an IP packet to send, or nothing: a fence.
# Writes frames to stdout, `length (16 bits) | family (4, 6; 0: a fence passed) | protocol | packet`. IPv6 headers are left out.
use strict;
use warnings;
use Socket qw(:all);

use constant SO_RCVBUFFORCE => 33;
use constant LONGEST => 512;

sub open_socket {
    my ($family, $protocol) = @_;
    socket(my $socket, $family, SOCK_RAW, $protocol) or die "raw socket of protocol $protocol: $!\n";
    setsockopt($socket, SOL_SOCKET, SO_RCVBUFFORCE, pack('i', 64 << 20)) or die "receive buffer: $!\n";
    return $socket;
}

my $out4 = open_socket(AF_INET, IPPROTO_RAW);
my $out6 = open_socket(AF_INET6, IPPROTO_RAW);
setsockopt($out4, SOL_SOCKET, SO_BROADCAST, pack('i', 1)) or die "broadcast: $!\n";
my @sources = (
    (map { [open_socket(AF_INET, $_), 4, $_] } 1, 6, 17, 50),
    (map { [open_socket(AF_INET6, $_), 6, $_] } 6, 17, 50, 58),
);

my ($input, $output) = ('', '');
my $failed = 0;

sub send_packet {
    my ($packet) = @_;
    my $version = ord($packet) >> 4;
    my $address = $version == 4 ? substr($packet, 16, 4) : substr($packet, 24, 16);
    my $sent = $version == 4
        ? send($out4, $packet, 0, pack_sockaddr_in(0, $address))
        : send($out6, $packet, 0, pack_sockaddr_in6(0, $address));
    # A packet that the policy of this host rejects is refused with EPERM: that is an answer, no failure.
    return if defined $sent || $!{EPERM};
    warn "send: $!\n" if $failed++ < 5;
}

sub receive {
    for my $source (@sources) {
        my ($socket, $family, $protocol) = @$source;
        while (defined recv($socket, my $packet, LONGEST, MSG_DONTWAIT)) {
            $output .= pack('nCC', length $packet, $family, $protocol) . $packet;
        }
    }
}

sub flush_output {
    while (length $output) {
        my $written = syswrite(STDOUT, $output) // exit 0;
        substr($output, 0, $written, '');
    }
}

my $wanted = '';
vec($wanted, fileno($_), 1) = 1 for *STDIN, map { $_->[0] } @sources;
syswrite(STDOUT, pack('nCC', 0, 0, 0));
while (1) {
    select(my $ready = $wanted, undef, undef, undef);
    if (vec($ready, fileno(STDIN), 1)) {
        sysread(STDIN, $input, 1 << 16, length $input) or exit 0;
    }
    my ($at, $end) = (0, length $input);
    while ($end - $at >= 2) {
        my $length = unpack('n', substr($input, $at, 2));
        last if $end - $at < 2 + $length;
        if ($length) {
            send_packet(substr($input, $at + 2, $length));
        } else {
            receive();
            $output .= pack('nCC', 0, 0, 0);
        }
        $at += 2 + $length;
    }
    substr($input, 0, $at, '');
    receive();
    flush_output();
}
