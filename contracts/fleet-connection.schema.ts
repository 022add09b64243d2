/** How the fleet file says as whom to log in, and where. Only doors load this file. */
import { Type } from 'typebox'
import { closed, hostOf, portNumber, roleName, secretRef, tlsMode } from './fleet-words.schema'

export const FileConnection = Type.Object(
  {
    user: roleName(),
    secret: secretRef(),
    host: Type.Optional(hostOf('a host name or address without its port (left out: the instance’s own endpoint)')),
    port: Type.Optional(portNumber()),
    tls: Type.Optional(tlsMode()),
  },
  { ...closed, description: 'a connection with user and secret' },
)
