/** The smallest fleet file there is, and what a worse one is told. */
import { parseFleet } from '../../client/fleet/parse-fleet'
import { Failure } from '../../contracts/failures'

export const smallest = `version: 1
databases:
  - name: shop
    cloud: aws
    account: "123456789012"
    region: eu-central-1
    instance: shop-db
    database: shop
    environment: production
    connections:
      admin: { user: a, secret: env:A }
      migrator: { user: m, secret: env:M }
    migrations: migrations
    canary: { securityGroups: [sg-1] }
`

/** The message of the refusal, a problem per line. */
export function refusal(text: string): string[] {
  try {
    parseFleet(text, 'fleet.yaml')
  } catch (error) {
    if (error instanceof Failure && error.code === 'FLEET_FILE_INVALID') return error.message.split('\n')
    throw error
  }
  throw new Error('was accepted')
}
