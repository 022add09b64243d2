import { Signer } from '@aws-sdk/rds-signer'
import { judgeToken } from '../../../lab/aws/access/token'

const credentials = { accessKeyId: 'LABKEY', secretAccessKey: 'a secret' }

describe('a token', () => {
  const judge = async (change: (token: string) => string, laterMs = 0) => {
    const signer = new Signer({ hostname: '127.77.3.10', port: 5432, username: 'app', region: 'us-east-1', credentials })
    return judgeToken(change(await signer.getAuthToken()), {
      endpoints: ['127.77.3.9:5432', '127.77.3.10:5432'],
      region: 'us-east-1',
      user: 'app',
      keyOf: (id) => (id === credentials.accessKeyId ? credentials : undefined),
      now: Date.now() + laterMs,
    })
  }
  const asIs = (token: string) => token
  const good = { accessKeyId: 'LABKEY' }

  test('is good for 15 minutes', async () => {
    expect(await judge(asIs)).toEqual(good)
    expect(await judge(asIs, 890_000)).toEqual(good)
    expect(await judge(asIs, 901_000)).toEqual({ refused: 'it has expired' })
    expect(await judge(asIs, -1_000_000)).toEqual({ refused: 'its time has not come' })
  })

  test('is not good when anything in it was changed, twice there or left out', async () => {
    const changes: [RegExp, string][] = [
      [/DBUser=app/, 'DBUser=boss'],
      [/X-Amz-Expires=900/, 'X-Amz-Expires=90000'],
      [/Action=connect/, 'Action=connect&Action=connect'],
      [/Action=connect&/, ''],
      [/&X-Amz-Date=[^&]*/, ''],
      [/X-Amz-Signature=../, 'X-Amz-Signature=zz'],
      [/X-Amz-Signature=[^&]*/, 'X-Amz-Signature='],
      [/rds-db/, 'rds'],
      [/^127/, '128'],
    ]
    for (const [what, by] of changes) {
      const changed = (token: string) => {
        expect(token).toMatch(what)
        return token.replace(what, by)
      }
      expect(await judge(changed)).toMatchObject({ refused: expect.any(String) })
    }
    expect(await judge((token) => `${token}&X-Amz-Security-Token=x`)).toMatchObject({ refused: expect.any(String) })
    expect(await judge((token) => `https://${token}`)).toMatchObject({ refused: 'it is no token' })
    // an order of their own is no change
    const turned = (token: string) =>
      token.replace(/\?(.*)$/, (_all, query: string) => `?${query.split('&').reverse().join('&')}`)
    expect(await judge(turned)).toEqual(good)
  })
})
