// The page that LiveKit's own documentation leads to: useSession, useAgent, an audio renderer. It tells
// what a candidate would be shown, and nothing else.
import { RoomAudioRenderer, SessionProvider, useAgent, useSession } from '@livekit/components-react';
import { Room, RoomEvent, TokenSource } from 'livekit-client';
import { useEffect, useMemo } from 'react';
import { createRoot } from 'react-dom/client';

declare global {
  interface Window {
    adjourn: { serverUrl: string; participantToken: string; processing: boolean; listens: boolean };
    report: (line: object) => void;
  }
}

function Interview() {
  const tokens = useMemo(() => TokenSource.literal(window.adjourn), []);
  // What the library does by itself, unless the voice is to be left as it is.
  const room = useMemo(() => {
    const off = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    return new Room(window.adjourn.processing ? {} : { audioCaptureDefaults: off });
  }, []);
  const session = useSession(tokens, { room });
  useEffect(() => {
    // Who only listens says nothing, and tells when somebody is heard.
    const silent = { tracks: { microphone: { enabled: false } } };
    const heard = () => window.report({ hears: true });
    if (window.adjourn.listens) room.on(RoomEvent.TrackSubscribed, heard);
    session.start(window.adjourn.listens ? silent : undefined).catch((error: unknown) => window.report({ error: String(error) }));
    return () => {
      void session.end();
    };
    // eslint-disable-next-line
  }, []);
  return (
    <SessionProvider session={session}>
      <Agent connection={session.connectionState} />
      <RoomAudioRenderer />
    </SessionProvider>
  );
}

function Agent({ connection }: { connection: string }) {
  const agent = useAgent();
  const failures = agent.failureReasons?.join(' ') ?? '';
  useEffect(() => {
    window.report({ connection, agent: agent.state, finished: agent.isFinished, failures });
  }, [connection, agent.state, agent.isFinished, failures]);
  return (
    <main>
      <h1>{agent.state}</h1>
      <p>{failures}</p>
    </main>
  );
}

const root = document.getElementById('root');
if (root) createRoot(root).render(<Interview />);
