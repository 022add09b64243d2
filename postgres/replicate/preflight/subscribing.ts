/** Whether a side's admin may subscribe, and as whom its rows would be applied. Which roles may is asked, not taken from the version: clouds differ. */
import type { Row } from '../../connect/session'
import type { SideLook } from './check'

interface Facts extends Row {
  readonly shown: string
  readonly shownDatabase: string
  readonly superuser: boolean
  readonly creates: boolean
  /** Member of `pg_create_subscription` (16+). */
  readonly member: boolean
  /** Member of RDS's own `rds_superuser`. */
  readonly rds: boolean
}

export interface Subscribing extends Facts {
  /** `maybe`: RDS lets its masters subscribe on 15, where PostgreSQL does not, and only trying tells. */
  readonly may: 'yes' | 'no' | 'maybe'
}

const WHO = `
  SELECT quote_ident(r.rolname) AS shown, quote_ident(current_database()) AS "shownDatabase", r.rolsuper AS superuser,
         has_database_privilege(current_database(), 'CREATE') AS creates,
         EXISTS (SELECT FROM pg_catalog.pg_roles g WHERE g.rolname = 'pg_create_subscription' AND pg_has_role(g.oid, 'USAGE')) AS member,
         EXISTS (SELECT FROM pg_catalog.pg_roles g WHERE g.rolname = 'rds_superuser' AND pg_has_role(g.oid, 'MEMBER')) AS rds
    FROM pg_catalog.pg_roles r WHERE r.rolname = current_user`

export async function subscribing(side: SideLook): Promise<Subscribing> {
  const [facts] = await side.query<Facts>(WHO)
  if (facts === undefined) throw new Error('the server does not say who asks')
  return { ...facts, may: mayOf(facts, side) }
}

function mayOf({ superuser, member, rds }: Facts, { versionNum, cloud }: SideLook): Subscribing['may'] {
  if (superuser || member) return 'yes'
  return versionNum < 160_000 && cloud === 'aws' && rds ? 'maybe' : 'no'
}
