/** How the fleet file says as whom to log in, and where. Only doors load this file. */
import { Type } from 'typebox'
import { closed, LINE, text, tlsMode } from './fleet-words.schema'

export const FileConnection = Type.Object(
  {
    user: text('the name of a role, 63 bytes at most', `^(?!.*://)${LINE.slice(1)}`),
    secret: text(
      'a reference to the password, env:NAME or file:/absolute/path, never the password itself',
      '^(env:[A-Za-z_][A-Za-z0-9_]*|file:/.+)$',
    ),
    host: Type.Optional(
      text(
        'a host name or address without its port (left out: the instance’s own endpoint)',
        '^([\\p{L}\\p{N}._-]+|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)$',
      ),
    ),
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65535, description: 'a port number, 1 to 65535' })),
    tls: Type.Optional(tlsMode()),
  },
  { ...closed, description: 'a connection with user and secret' },
)
