#!/usr/bin/perl
# Writes the databases of the tests beside itself (Debian: libmaxmind-db-writer-perl):
#   perl tests/data/mmdb/make.pl
use strict;
use warnings;
use File::Basename qw(dirname);
use MaxMind::DB::Writer::Tree;

my $folder = dirname(__FILE__);
my %type   = (
    autonomous_system_number => 'uint32',
    country                  => 'map',
    registered_country       => 'map',
);

sub database {
    my ( $file, $version, $size, $type_of, $networks ) = @_;
    my $tree = MaxMind::DB::Writer::Tree->new(
        ip_version               => $version,
        record_size              => $size,
        database_type            => 'Ammit-Test',
        languages                => ['en'],
        description              => { en => 'made by tests/data/mmdb/make.pl' },
        alias_ipv6_to_ipv4       => 0,
        remove_reserved_networks => 0,
        map_key_type_callback    => sub { $type_of->{ $_[0] } // $type{ $_[0] } // 'utf8_string' },
    );
    while ( my ( $network, $data ) = splice @$networks, 0, 2 ) {
        $tree->insert_network( $network, $data );
    }
    open my $out, '>:raw', "$folder/$file" or die "$file: $!";
    $tree->write_tree($out);
    close $out or die "$file: $!";
}

# As the databases of MaxMind and DB-IP are.
database(
    'nested.mmdb', 6, 24, {},
    [   '192.0.2.0/25'   => { country => { iso_code => 'EG' } },
        '192.0.2.128/25' => {
            country            => { iso_code => 'DE' },
            registered_country => { iso_code => 'FR' }
        },
        '198.51.100.0/24' => { registered_country       => { iso_code => 'SE' } },
        '203.0.113.0/24'  => { autonomous_system_number => 64496 },
        '203.0.113.0/28'  => { autonomous_system_number => 4294967295 },
        '2001:db8::/32'   => {
            country                  => { iso_code => 'NO' },
            autonomous_system_number => 64511
        },
        '2001:db8:1::/48' => { country => { iso_code => 'USA' } },
        '2001:db8:2::/48' => { country => { name     => 'Egypt' } },
        'fc00::/7'        => { country => { iso_code => 'ZZ' }, autonomous_system_number => 7 },
    ]
);

# As those of IPinfo and others are, IPv4 only.
database(
    'flat.mmdb', 4, 28, { country => 'utf8_string' },
    [   '192.0.2.0/24'    => { country_code => 'eg', asn => 'AS64497' },
        '198.51.100.0/24' => { country      => 'DE', asn => '64498' },
        '203.0.113.0/26'  => { country      => '1!', asn => 'AS' },
        '203.0.113.64/26' => { country      => '',   asn => 'AS4294967296' },
        '203.0.113.128/26' => { country_code => 'Egypt', asn => 'unknown' },
    ]
);

# One way to write a number each.
my $network = 0;
for my $case ( [ uint16 => 64499 ], [ uint32 => 64500 ], [ int32 => 64501 ], [ uint64 => 64502 ],
    [ uint64 => '4294967296' ], [ int32 => -1 ], [ double => 64503.0 ] )
{
    database( "asn-$network.mmdb", 4, 32, { asn => $case->[0] },
        [ '192.0.2.0/24' => { asn => $case->[1] } ] );
    $network++;
}
