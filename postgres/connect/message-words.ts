/** Words that PostgreSQL's own messages about schemas, statements and sessions are made of, with the names of common types. A word that is
 *  not here is taken for a value. Missing ones cost clarity, wrong ones secrecy: a word that people store does not belong here. */
const WORDS = `
  a an the and or of for on in to from by as at with without within into not no is are be been being was were has have had do does did
  can cannot could may might must shall should will would only also already yet still than then that this these there it its they you if
  because but when where while which whose either both each every any all some more less few many most least too same other another
  different such so up down out off over under above below before after between during until since via per outside inside
  access action aggregate aggregates ambiguous analyze applied apply argument arguments array arrays assign attach attempted attribute
  automatically available backend base because begin belongs binary bit block blocked boolean bound boundaries btree buffer bytes cache
  call canceling cancel canceled case cast cascade catalog change changed changes character characters check child clause clauses cluster
  collation collations column columns command commands comment commit committed comparison composite concurrent concurrently condition
  configuration conflict conflicting conflicts connect connection connections constraint constraints contain contains context control
  conversion convert converted copy create created creating current currently cursor cycle data database databases deadlock declared
  default defaults deferrable deferred define defined definition delete deleted denied depend dependencies depend depends dependent
  detach detached detected directly disabled distinct domain domains drop dropped due duplicate element elements enabled encoding end
  entry enum error event exceed exceeded exceeds exclusion exist existing exists expected expression expressions extension extra failed
  failure feature field fields file first foreign found full function functions generated generic get given grant granted greater group
  grouping handler hash heap identity idle ignored immutable implemented implicit include included incompatible index indexes
  inherit inheritance inherited inherits input insert inserted instead integrity invalid invoked item items join key keys kind label
  language last left length level like limit limited list local lock locale lock_timeout locks logical lookup map mapping match matching
  materialized maximum member merge minimum missing mode modified modify modifying modifier multiple must name named names near need
  needed needs nested new next non nondeterministic null number object objects obtain occurred offset old one operation operator operators
  option options order out owner owned parameter parameters parent part partition partitioned partitions pending permission permissions
  plan policy position precision prepared preparing primary privilege privileges procedure procedures process property publication query
  range read reason recovery recursion recursive reference referenced references referencing referencing refresh relation relations
  relied remove removed rename replace replica replication required requires reserved restrict restriction result return returned
  returning returns revoke right role roles rollback routine row rows rule rules run running savepoint scale schema schemas select
  sequence sequences serializable serialization serialize server session set sets setting shared size slot snapshot specified specify
  standby start state statement statement_timeout statements statistics step stop storage stored string subscription subquery subtype
  superuser support supported syntax system table tables tablespace target temporary terminating time timeout toast transaction
  transactions transform transition trigger triggers truncate tuple tuples two type types unable unexpected unique unknown unlogged
  unrecognized unsupported unterminated update updated updates usage use used user using vacuum valid value values variable variadic
  version view views violate violates volatile wait waiting window work wrong yield zero zone
  long longer short byte compatible rely relies rewrite renamed inserting updating deleting dropping altering adding attaching scan exactly
  specifier operand empty enough violating multiple itself inserted recursively overlap overlaps overlapping leaf root shell constant
  bigint bigserial box bytea char circle cidr date datetime decimal double float inet int integer interval json jsonb jsonpath line lseg
  macaddr money multirange numeric oid path point polygon real record regclass regproc regtype serial smallint text timestamp timestamptz
  timetz tsquery tsvector uuid varbit varchar varying void xml day hour minute month second year division range
`

export const MESSAGE_WORDS: ReadonlySet<string> = new Set(WORDS.split(/\s+/).filter((word) => word !== ''))
