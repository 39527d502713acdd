import { useWindlassTask, WindlassProvider } from 'windlass-web/react';

// Wrap app with provider
function App() {
  return (
    <WindlassProvider endpoint="https://api.windlass.io" apiKey={apiKey}>
      <TaskRunner />
    </WindlassProvider>
  );
}

function TaskRunner() {
  const { submit, status, result, error, isLoading } = useWindlassTask();
  
  const handleSubmit = async () => {
    await submit({
      payload: { data: 'test' },
      type: 'stateless'
    });
  };
  
  return (
    <div>
      <button onClick={handleSubmit} disabled={isLoading}>
        {isLoading ? 'Running...' : 'Run Task'}
      </button>
      
      {status && <p>Status: {status}</p>}
      {result && <pre>{JSON.stringify(result, null, 2)}</pre>}
      {error && <p className="error">{error.message}</p>}
    </div>
  );
}
