// SPDX-License-Identifier: Apache-2.0
// A device without security, on the npm package coap: registers, answers what a server asks, and
// prints a line for each thing that happens. device.js SERVER_PORT ENDPOINT
'use strict'
const { EventEmitter } = require('events')
const dgram = require('dgram')
const coap = require('coap')
const { parse } = require('coap-packet')

coap.registerFormat('application/vnd.oma.lwm2m+tlv', 11542)
const [port, name] = [Number(process.argv[2]), process.argv[3]]
const say = (...words) => console.log(words.join(' '))

// The package wants a socket for each role; a device has one.
class Half extends EventEmitter {
  constructor (socket) {
    super()
    this.socket = socket
  }

  send (...args) { return this.socket.send(...args) }
  address () { return this.socket.address() }
  close () { this.emit('close') }
  ref () {}
  unref () {}
}

const state = { timezone: 'Europe/Oslo' }

function text (res, value) {
  res.setOption('Content-Format', 'text/plain')
  res.end(String(value))
}

function refuse (res, code) {
  res.code = code
  res.end()
}

function observe (res) {
  let value = 20
  say('observed')
  const timer = setInterval(() => {
    res.write(Buffer.from(String(++value)))
    if (value === 40) clearInterval(timer)
  }, 150)
  res.setOption('Content-Format', 'text/plain')
  res.write(Buffer.from(String(value)))
  res.on('finish', () => { clearInterval(timer); say('unobserved') })
}

const routes = {
  'GET /3/0/0': (req, res) => text(res, 'npm coap'),
  'GET /3/0/15': (req, res) => text(res, state.timezone),
  'PUT /3/0/15': (req, res) => { state.timezone = req.payload.toString(); refuse(res, '2.04') },
  'POST /3/0/4': (req, res) => { say('executed', req.payload.toString()); refuse(res, '2.04') },
  'DELETE /3303/1': (req, res) => { say('deleted'); refuse(res, '2.02') },
  'GET /3303/0/5700': (req, res) => req.headers.Observe === 0 ? observe(res) : text(res, 20),
  'GET /5/0/1': (req, res) => text(res, 'x'.repeat(3000)),
  'PUT /5/0/0': (req, res) => {
    say('uploaded', require('crypto').createHash('sha256').update(req.payload).digest('hex'))
    refuse(res, '2.04')
  }
}

const socket = dgram.createSocket('udp4')
socket.bind(0, '127.0.0.1', () => {
  const server = coap.createServer({ type: 'udp4' })
  const [asked, asking] = [new Half(socket), new Half(socket)]
  socket.on('message', (message, from) => {
    const code = parse(message).code.split('.')[0]
    if (code !== '0' || message[1] === 0) asking.emit('message', message, from)
    if (code === '0') asked.emit('message', message, from)
  })
  server.on('request', (req, res) => {
    const route = routes[`${req.method} ${req.url.split('?')[0]}`]
    if (req.headers.Accept !== undefined && req.headers.Accept !== 'text/plain') refuse(res, '4.06')
    else if (route) route(req, res)
    else refuse(res, '4.04')
  })
  server.listen(asked)
  const agent = new coap.Agent({ type: 'udp4', socket: asking })
  const ask = (method, pathname, query, payload, then) => {
    const req = coap.request({ hostname: '127.0.0.1', port, method, pathname, query, agent })
    if (payload) req.setOption('Content-Format', 'application/link-format')
    req.on('response', then)
    req.end(payload)
  }
  ask('POST', '/rd', `ep=${name}&lt=300&lwm2m=1.0&b=U`, '</1/0>,</3/0>,</5/0>,</3303/0>,</3303/1>', (res) => {
    const place = res.options.filter((o) => o.name === 'Location-Path').map((o) => o.value.toString()).join('/')
    say('registered', res.code, place)
    process.on('SIGUSR1', () => ask('POST', '/' + place, 'lt=600', null, (r) => say('updated', r.code)))
    process.on('SIGTERM', () => ask('DELETE', '/' + place, '', null, (r) => {
      say('deregistered', r.code)
      process.exit(0)
    }))
  })
})
