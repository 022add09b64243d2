/** Requests that no SDK would send, signed by the SDK: what it was about to send is replaced just before it signs. */
import { RDS } from '@aws-sdk/client-rds'
import { XMLParser } from 'fast-xml-parser'
import type { TestLab } from '../fixture'

export interface RawAnswer {
  status: number
  code: string | undefined
  message: string
}

interface HttpRequest {
  body: string
  headers: Record<string, string>
}

/** Signs and sends whatever `change` makes of a DescribeDBInstances. `afterwards` changes it once more, when it was signed. */
export async function raw(
  test: TestLab,
  change: (request: HttpRequest) => void,
  afterwards: (request: HttpRequest) => void = () => {},
): Promise<RawAnswer> {
  const client = new RDS({
    region: 'us-east-1',
    endpoint: test.lab.api,
    credentials: { ...test.lab.credentials.aws },
    maxAttempts: 1,
    requestHandler: {
      handle: async (request: HttpRequest & { method: string }) => {
        afterwards(request)
        const { method, body, headers } = request
        const { host: _, 'content-length': __, ...sent } = headers
        const response = await fetch(test.lab.api, { method, body, headers: sent })
        throw new Answered(response.status, await response.text())
      },
    },
  })
  client.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as HttpRequest
      change(request)
      request.headers['content-length'] = String(Buffer.byteLength(request.body))
      return next(args)
    },
    { step: 'build', priority: 'low' },
  )
  const answered = await client.describeDBInstances({}).catch((error) => error)
  if (!(answered instanceof Answered)) throw answered
  return answered.parsed()
}

/** A well-formed call with these parameters, as they are. */
export function rawAction(test: TestLab, parameters: Record<string, string>): Promise<RawAnswer> {
  return raw(test, (request) => {
    request.body = new URLSearchParams({ Version: '2014-10-31', ...parameters }).toString()
  })
}

class Answered extends Error {
  constructor(
    private readonly status: number,
    private readonly text: string,
  ) {
    super(text)
  }

  parsed(): RawAnswer {
    const { ErrorResponse } = new XMLParser().parse(this.text)
    return { status: this.status, code: ErrorResponse?.Error.Code, message: String(ErrorResponse?.Error.Message ?? '') }
  }
}
