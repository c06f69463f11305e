export default function Page() {
  return <p>hello from the host</p>
}
