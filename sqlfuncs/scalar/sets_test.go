package scalar_test

import "testing"

// The values are those of MariaDB and of MySQL's manual.
func TestSets(t *testing.T) {
	run(t, []example{
		{in: `make_set(5, 'a', 'b', 'c')`, want: "a,c"},
		{in: `make_set(3, 'a', null, 'c')`, want: "a"},
		{in: `make_set(null, 'a')`, want: "NULL"},
		{in: `export_set(5, 'Y', 'N', ',', 4)`, want: "Y,N,Y,N"},
		{in: `export_set(6, '1', '0', '', 10)`, want: "0110000000"},
		{in: `soundex('Hello')`, want: "H400"},
		{in: `soundex('Quadratically')`, want: "Q36324"},
		{in: `soundex('12')`, want: ""},
		{in: `inet_aton('10.0.5.9')`, want: "167773449", typ: "bigint unsigned"},
		{in: `inet_aton('127.1')`, want: "2130706433"},
		{in: `inet_aton('1.2.3')`, want: "16908291"},
		{in: `inet_aton('1.2.3.256')`, want: "NULL"},
		{in: `inet_aton('')`, want: "NULL"},
		{in: `inet_ntoa(167773449)`, want: "10.0.5.9"},
		{in: `inet_ntoa(-1)`, want: "NULL"},
		{in: `hex(uuid_to_bin('6ccd780c-baba-1026-9564-5b8c656024db'))`, want: "6CCD780CBABA102695645B8C656024DB"},
		{in: `hex(uuid_to_bin('6ccd780c-baba-1026-9564-5b8c656024db', 1))`, want: "1026BABA6CCD780C95645B8C656024DB"},
		{in: `bin_to_uuid(uuid_to_bin('6ccd780c-baba-1026-9564-5b8c656024db', 1), 1)`, want: "6ccd780c-baba-1026-9564-5b8c656024db"},
		{in: `uuid_to_bin('x')`, want: "error: Incorrect string value"},
		{in: `bin_to_uuid('x')`, want: "error: 16 bytes"},
	})
}

func TestPeriodsAndTimes(t *testing.T) {
	run(t, []example{
		{in: `period_add(200801, 2)`, want: "200803"},
		{in: `period_add(9901, -1)`, want: "199812"},
		{in: `period_add(202413, 1)`, want: "error: Incorrect arguments"},
		{in: `period_diff(200802, 200703)`, want: "11"},
		{in: `addtime(dt'2007-12-31 23:59:59.999999', time'01:01:01.000002')`, want: "2008-01-01 01:01:01.000001", typ: "timestamp_ntz"},
		{in: `addtime(time'01:00:00', time'838:00:00')`, want: "838:59:59", typ: "time"},
		{in: `addtime('01:00:00.999999', '02:00:00.999998')`, want: "03:00:01.999997", typ: "string"},
		{in: `addtime('junk', '02:00:00')`, want: "NULL", warning: 1292},
		{in: `subtime('2007-12-31 23:59:59', '1:1:1')`, want: "2007-12-31 22:58:58"},
		{in: `subtime(date'2024-03-01', time'00:00:01')`, want: "2024-02-29 23:59:59"},
		{in: `round_second(dt'2024-12-31 23:59:59.5', 0)`, want: "2025-01-01 00:00:00"},
		{in: `round_second(time'10:11:12.3456', 2)`, want: "10:11:12.350000"},
		{in: `time_format(time'100:00:00', '%H %k %h')`, want: "100 100 04"},
		{in: `regexp_like('ä', '^[[:alpha:]]$')`, want: "1"},
	})
}
