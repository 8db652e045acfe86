// GraphiQL on this server's /graphql; what it asks of the schema is answered beside it.
const editor = document.getElementById("editor");

async function fetcher(asked, options) {
  if (asked.operationName === "IntrospectionQuery") {
    return (await fetch(editor.dataset.introspection)).json();
  }
  const answer = await fetch(editor.dataset.graphql, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(options?.headers ?? {}) },
    body: JSON.stringify(asked),
  });
  return answer.json();
}

const defaultQuery = `# What it costs is in the toolbar, under "Knobs and evidence".
query Products {
  productList(size: 10) {
    items { id name price brand { name } category { name } tags { name } newestReviews { rating title author { name } } }
    hasNext
    next
  }
}
`;

ReactDOM.render(
  React.createElement(GraphiQL, { fetcher, defaultQuery, isHeadersEditorEnabled: true, shouldPersistHeaders: true }),
  editor,
);
