export function GET(): Response {
  return new Response('hello from the host')
}
