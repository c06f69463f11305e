export default function Page() {
  return (
    <main>
      <h1>The shop</h1>
      <p>
        Its agents answer under <a href="/os/docs">/os</a>.
      </p>
    </main>
  )
}
