/** What stands in migrations: read by PostgreSQL's grammar before anything is contacted, and by the server when it is applied. */
import type { FailureCode } from '../../../contracts/failures'
import { type BadInput, SECRET } from '../support/bad-input'

/** Found without a database. */
function read(title: string, code: FailureCode, names: string, sql: string): BadInput {
  return {
    title,
    exit: 2,
    code,
    names,
    given: (world) => ({
      args: ['migrate', 'shop', '--fleet', world.fleet(), '--migrations', world.migrations({ 'V2__b.sql': sql })],
    }),
  }
}

/** Found by the server, which takes all of it back. */
function run(title: string, names: string, sql: string): BadInput {
  return {
    title,
    exit: 3,
    code: 'MIGRATION_FAILED',
    names,
    progress: true,
    quoted: true,
    given(world) {
      const dir = world.migrations({ 'V1__a.sql': sql })
      return { args: ['migrations', 'apply', '--url', world.databaseUrl, '--dir', dir] }
    },
  }
}

const syntax = (title: string, line: number, sql: string) => read(title, 'MIGRATION_SYNTAX_ERROR', `V2__b.sql:${line}: `, sql)
/** In the words of PostgreSQL's grammar. */
const grammar = (title: string, line: number, sql: string): BadInput => ({ ...syntax(title, line, sql), quoted: true })
const unsupported = (title: string, line: number, sql: string) => read(title, 'MIGRATION_UNSUPPORTED', `V2__b.sql:${line}: `, sql)

export const MIGRATION_SQL: readonly BadInput[] = [
  grammar('a mistyped word', 3, '-- tables\n\nCREATE TABEL x (id int);\n'),
  grammar('a statement that breaks off', 2, 'SELECT 1;\nCREATE TABLE x (id int\n'),
  syntax('a string that never ends', 2, "SELECT 1;\nSELECT 'abc;\n"),
  syntax('a quoted name that never ends', 1, 'SELECT 1 AS "abc;\n'),
  syntax('a comment that never ends', 2, 'SELECT 1;\n/* to do\n'),
  syntax('a dollar quote that never ends', 1, 'DO $body$ BEGIN END;\n'),
  syntax('a NUL', 2, 'SELECT 1;\nSELECT 2\0;\n'),
  grammar('a mark of byte order in its middle', 2, 'SELECT 1;\n\ufeffSELEC 2;\n'),
  syntax('COPY without its end', 2, 'CREATE TABLE t (a int);\nCOPY t FROM stdin;\n1\n2\n'),
  syntax('COPY without its data', 1, 'COPY t FROM stdin'),
  grammar('an empty quoted name', 1, 'CREATE TABLE "" (id int);\n'),
  grammar('a password at the place of the mistake', 1, `ALTER ROLE x PASWORD '${SECRET}';\n`),
  grammar('an escape sequence at the place of the mistake', 1, 'SELECT \u001b[31m;\n'),
  grammar('a name of 10,000 characters at the place of the mistake', 1, `CREATE TABEL ${'x'.repeat(10_000)} (id int);\n`),
  grammar('a mistake within 10,000 characters', 1, `CREATE TABLE t ${'y'.repeat(10_000)};\n`),
  unsupported('a psql command', 2, 'SELECT 1;\n\\connect other\nSELECT 2;\n'),
  unsupported('a psql command behind a statement', 1, 'SELECT 1 \\gexec\n'),
  unsupported('BEGIN', 1, 'BEGIN;\nSELECT 1;\nCOMMIT;\n'),
  unsupported('ROLLBACK in the middle', 2, 'SELECT 1;\nrollback;\n'),
  unsupported('a savepoint', 1, 'SAVEPOINT a;\n'),
  unsupported('a placeholder', 1, ['CREATE SCHEMA $', '{name};'].join('')),
  unsupported('another role beside what cannot be taken back', 1, 'SET ROLE boss;\nCREATE INDEX CONCURRENTLY ON t (a);\n'),
  run('a table that is not there', 'V1__a.sql:3: ', 'CREATE TABLE a (id int);\n\nALTER TABLE b ADD x int;\n'),
  run('a value that does not fit', 'V1__a.sql:2: ', `CREATE TABLE a (id int);\nINSERT INTO a VALUES ('${SECRET}');\n`),
  run(
    'a row twice',
    'V1__a.sql:2: ',
    `CREATE TABLE a (id text PRIMARY KEY);\nINSERT INTO a SELECT '${SECRET}' FROM generate_series(1, 2);\n`,
  ),
  run('an exception with a value in it', 'V1__a.sql:1: ', `DO $$ BEGIN RAISE EXCEPTION 'password is %', '${SECRET}'; END $$;\n`),
  run('a transaction ended from within', 'V1__a.sql:1: ', 'DO $$ BEGIN PERFORM 1; EXECUTE $q$COMMIT$q$; END $$;\n'),
  run('rows of COPY that do not fit', 'V1__a.sql:2: ', `CREATE TABLE a (id int);\nCOPY a FROM stdin;\n1\n${SECRET}\n\\.\n`),
]
