// Bluesky's own PDS on loopback, with a register of identities that lives in this process.
// Usage: node bluesky_pds.mjs FOLDER_WITH_NODE_MODULES DATA PORT PORT_OF_THE_REGISTER
import { createHash, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const [folder, data, port, registerPort] = process.argv.slice(2)

// The server listens on every interface by itself; nobody else may reach this one.
const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (first, ...rest) {
  if (typeof first === 'object' && first && 'port' in first) first = { ...first, host: '127.0.0.1' }
  else if (typeof first === 'number' || /^\d+$/.test(String(first))) {
    return listen.call(this, { port: Number(first), host: '127.0.0.1' }, ...rest.filter((one) => typeof one === 'function'))
  }
  return listen.call(this, first, ...rest)
}

const operations = new Map()
const register = http.createServer((request, answer) => {
  const did = decodeURIComponent(request.url.split('/')[1] || '')
  let body = ''
  request.on('data', (chunk) => (body += chunk))
  request.on('end', () => {
    if (request.method === 'POST') {
      operations.set(did, JSON.parse(body))
      return answer.writeHead(200).end()
    }
    const op = operations.get(did)
    if (!op) return answer.writeHead(404).end('{}')
    const key = op.verificationMethods.atproto.replace('did:key:', '')
    answer.writeHead(200, { 'content-type': 'application/json' })
    answer.end(
      JSON.stringify({
        '@context': ['https://www.w3.org/ns/did/v1'],
        id: did,
        alsoKnownAs: op.alsoKnownAs,
        verificationMethod: [
          { id: `${did}#atproto`, type: 'Multikey', controller: did, publicKeyMultibase: key },
        ],
        service: Object.entries(op.services).map(([id, one]) => ({
          id: `#${id}`,
          type: one.type,
          serviceEndpoint: one.endpoint,
        })),
      }),
    )
  })
})
register.listen(Number(registerPort))

const home = path.join(folder, 'node_modules', '@atproto', 'pds', 'dist', 'index.js')
const { PDS, envToCfg, envToSecrets, readEnv } = await import(pathToFileURL(home))
fs.mkdirSync(path.join(data, 'blobs'), { recursive: true })
Object.assign(process.env, {
  PDS_PORT: port,
  PDS_HOSTNAME: 'localhost',
  PDS_DEV_MODE: '1',
  PDS_DATA_DIRECTORY: data,
  PDS_BLOBSTORE_DISK_LOCATION: path.join(data, 'blobs'),
  PDS_DID_PLC_URL: `http://localhost:${registerPort}`,
  PDS_SERVICE_HANDLE_DOMAINS: '.test',
  PDS_INVITE_REQUIRED: '0',
  PDS_DISABLE_SSRF_PROTECTION: '1',
  PDS_RATE_LIMITS_ENABLED: '1',
  PDS_JWT_SECRET: randomBytes(16).toString('hex'),
  PDS_DPOP_SECRET: randomBytes(32).toString('hex'),
  PDS_ADMIN_PASSWORD: randomBytes(16).toString('hex'),
  PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: createHash('sha256').update(randomBytes(8)).digest('hex'),
})
const env = readEnv()
const server = await PDS.create(envToCfg(env), envToSecrets(env))
await server.start()
console.log('ready')
