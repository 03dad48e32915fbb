import java.math.BigDecimal;
import java.sql.*;
import java.util.*;

/** The main job through Connector/J with server-side prepared statements: java Client PORT USE_TLS. */
public class Client {
  static void same(Object got, Object want, String what) {
    if (!Objects.equals(got, want)) throw new AssertionError(what + ": got " + got + ", want " + want);
  }

  /** The named columns of every row, separated by | and ;. */
  static String rows(ResultSet r, String... columns) throws SQLException {
    StringBuilder out = new StringBuilder();
    try (r) {
      while (r.next()) {
        out.append(out.length() > 0 ? ";" : "");
        for (int i = 0; i < columns.length; i++) out.append(i > 0 ? "|" : "").append(r.getString(columns[i]));
      }
    }
    return out.toString();
  }

  /** What DatabaseMetaData says, asked by SHOW and of information_schema. */
  static void metadata(Connection of) throws Exception {
    try (Statement s = of.createStatement()) {
      s.execute("DROP TABLE IF EXISTS k");
      s.execute("CREATE TABLE k (a INT, b VARCHAR(10) DEFAULT 'x' COMMENT 'the b', n DECIMAL(10,2), f BOOLEAN, at DATETIME(6), PRIMARY KEY (a, b)) COMMENT 'all k'");
    }
    for (String how : new String[] {"false", "true"}) {
      try (Connection c = DriverManager.getConnection(of.getMetaData().getURL() + "&useInformationSchema=" + how, "root", "")) {
        DatabaseMetaData m = c.getMetaData();
        same(rows(m.getColumns("jdbc", null, "k", "%"), "COLUMN_NAME", "DATA_TYPE", "TYPE_NAME", "COLUMN_SIZE", "DECIMAL_DIGITS", "NULLABLE", "COLUMN_DEF", "REMARKS"),
            "a|4|INT|10|null|0|null|;b|12|VARCHAR|10|null|0|x|the b;n|3|DECIMAL|10|2|1|null|;f|-7|BIT|1|null|1|null|;at|93|DATETIME|26|null|1|null|", "columns");
        same(rows(m.getPrimaryKeys("jdbc", null, "k"), "COLUMN_NAME", "KEY_SEQ", "PK_NAME"), "a|1|PRIMARY;b|2|PRIMARY", "primary key");
        same(rows(m.getIndexInfo("jdbc", null, "k", true, false), "INDEX_NAME", "ORDINAL_POSITION", "COLUMN_NAME", "ASC_OR_DESC"), "PRIMARY|1|a|A;PRIMARY|2|b|A", "indexes");
        same(rows(m.getBestRowIdentifier("jdbc", null, "k", DatabaseMetaData.bestRowSession, true), "COLUMN_NAME"), "a;b", "best row identifier");
        same(rows(m.getTables("jdbc", null, "k", null), "TABLE_NAME", "TABLE_TYPE"), "k|TABLE", "table");
        same(rows(m.getImportedKeys("jdbc", null, "k"), "PK_NAME") + rows(m.getExportedKeys("jdbc", null, "k"), "PK_NAME") + rows(m.getProcedures("jdbc", null, "%"), "PROCEDURE_NAME")
            + rows(m.getFunctions("jdbc", null, "%"), "FUNCTION_NAME"), "", "what there is not");
        if (!rows(m.getTypeInfo(), "TYPE_NAME").contains("DECIMAL")) throw new AssertionError("no types");
        try (PreparedStatement p = c.prepareStatement("SELECT f, n FROM k WHERE a = ?")) {
          same(p.getMetaData().getColumnTypeName(1) + " " + p.getMetaData().getColumnClassName(2) + " " + p.getParameterMetaData().getParameterCount(), "BIT java.math.BigDecimal 1", "prepared");
        }
      }
    }
  }

  public static void main(String[] args) throws Exception {
    String url = "jdbc:mysql://127.0.0.1:" + args[0] + "/jdbc?useServerPrepStmts=true&sslMode=" + (args[1].equals("true") ? "REQUIRED" : "DISABLED")
        + "&allowPublicKeyRetrieval=true&connectionTimeZone=UTC";
    try (Connection c = DriverManager.getConnection(url, "root", "")) {
      DatabaseMetaData meta = c.getMetaData();
      Set<String> dbs = new HashSet<>();
      try (ResultSet r = meta.getCatalogs()) { while (r.next()) dbs.add(r.getString(1)); }
      if (!dbs.contains("jdbc")) throw new AssertionError("databases: " + dbs);
      try (Statement s = c.createStatement()) {
        s.execute("DROP TABLE IF EXISTS j");
        s.execute("CREATE TABLE j (id BIGINT, d DECIMAL(20,4), x DOUBLE, s STRING, day DATE, at DATETIME(6), b BOOLEAN, bin BINARY)");
      }
      Set<String> tables = new HashSet<>();
      try (ResultSet r = meta.getTables("jdbc", null, "%", null)) { while (r.next()) tables.add(r.getString(3)); }
      if (!tables.contains("j")) throw new AssertionError("tables: " + tables);
      metadata(c);
      try (PreparedStatement p = c.prepareStatement("INSERT INTO j VALUES (?,?,?,?,?,?,?,?)")) {
        for (long i = 0; i < 3; i++) {
          p.setLong(1, i); p.setBigDecimal(2, new BigDecimal("1234567890123456.7891")); p.setDouble(3, 0.1 + i); p.setString(4, "ÿ😀'" + i);
          p.setDate(5, java.sql.Date.valueOf("2026-01-02")); p.setTimestamp(6, Timestamp.valueOf("2026-01-02 03:04:05.678901"));
          p.setBoolean(7, i == 1); p.setBytes(8, new byte[] {0, (byte) 0xff, (byte) i});
          same(p.executeUpdate(), 1, "inserted");
        }
      }
      try (PreparedStatement p = c.prepareStatement("SELECT id, d, x, s, day, at, b, bin FROM j AS OF VERSION ? WHERE id >= ? ORDER BY id")) {
        for (int version = 1; version <= 3; version++) {
          p.setInt(1, version); p.setLong(2, 0);
          int n = 0;
          try (ResultSet r = p.executeQuery()) {
            while (r.next()) {
              same(r.getLong(1), (long) n, "id"); same(r.getBigDecimal(2), new BigDecimal("1234567890123456.7891"), "decimal");
              same(r.getDouble(3), 0.1 + n, "double"); same(r.getString(4), "ÿ😀'" + n, "string"); same(r.getDate(5), java.sql.Date.valueOf("2026-01-02"), "date");
              same(r.getTimestamp(6), Timestamp.valueOf("2026-01-02 03:04:05.678901"), "datetime"); same(r.getBoolean(7), n == 1, "boolean");
              same(Arrays.toString(r.getBytes(8)), Arrays.toString(new byte[] {0, (byte) 0xff, (byte) n}), "binary");
              n++;
            }
          }
          same(n, version, "rows of version " + version);
        }
      }
      try (PreparedStatement p = c.prepareStatement("SELECT count(*) FROM j WHERE d = ? OR d < ?")) { // never rounded to the column's scale
        p.setBigDecimal(1, new BigDecimal("1234567890123457.00001")); p.setBigDecimal(2, new BigDecimal("-0.00001"));
        try (ResultSet r = p.executeQuery()) { r.next(); same(r.getInt(1), 0, "decimals that are not there"); }
      }
      try (PreparedStatement p = c.prepareStatement(
          "MERGE INTO j AS t USING (SELECT ? AS id, ? AS s) AS n ON t.id = n.id WHEN MATCHED THEN UPDATE SET s = n.s WHEN NOT MATCHED THEN INSERT (id, s) VALUES (n.id, n.s)")) {
        p.setLong(1, 1); p.setString(2, "merged"); same(p.executeUpdate(), 1, "merged");
        p.setLong(1, 50); p.setString(2, "new"); same(p.executeUpdate(), 1, "inserted by merge");
      }
      c.setAutoCommit(false);
      try (Statement s = c.createStatement()) {
        s.executeUpdate("DELETE FROM j WHERE id = 50");
        s.executeUpdate("UPDATE j SET s = 'tx' WHERE id = 0");
      }
      c.rollback();
      try (Statement s = c.createStatement()) { s.executeUpdate("UPDATE j SET s = 'kept' WHERE id = 0"); }
      c.commit();
      c.setAutoCommit(true);
      try (Statement s = c.createStatement(); ResultSet r = s.executeQuery("SELECT group_concat(concat(id, ':', s) ORDER BY id SEPARATOR ',') FROM j")) {
        r.next();
        same(r.getString(1), "0:kept,1:merged,2:ÿ😀'2,50:new", "after transactions");
      }
    }
    System.out.println("ok");
  }
}
