# What the client tells a candidate. Each name is a variant of `Message` (crates/client/src/message.rs), with its arguments.

## A link, and its host
not-a-link = This is not an interview link. It should begin with adjourn://join — copy the whole link from your invitation.
link-incomplete = The interview link is incomplete (its { $part ->
        [server] server
       *[code] code
    } is missing or given twice). Copy the whole link from your invitation.
link-bad-server = The interview link names the server “{ $server }”, which is not a web address. Copy the whole link from your invitation.
link-unencrypted = The interview link leads to an unencrypted server ({ $host }). Ask the organiser for a link with https.
link-bad-code = The code in the interview link is not valid. It looks like K7QF-9M2X — copy the whole link from your invitation.

## The backend
backend-unreachable = The interview server { $host } cannot be reached. Check your internet connection and try again.
backend-untrusted = The interview server { $host } can't prove that it is the right one, so nothing was sent to it. Try another network, or tell the organiser.
backend-unusable = The interview server { $host } does not answer properly ({ $detail }). Try again in a minute.
code-unknown = This code is not known to { $host }. Check it against your invitation.
code-used = This code was already used on another computer or installation. Ask the organiser for a new one.
interview-not-open = This interview is not open now. Check its time in your invitation, or ask the organiser.
too-many-wrong-codes = There were too many wrong codes from here. Wait a minute and try again.
interview-unknown = The interview server { $host } knows nothing of this interview. Try again in a minute, or tell the organiser.
session-refused = The interview server no longer accepts this session.
record-exists = The interview server already holds another report for this interview (receipt { $receipt }).
record-refused = The interview server refuses the report: { $detail }

## What is kept on this computer
journal-unwritable = The interview's journal { $path } cannot be written ({ $reason }). Free some disk space or check the folder's permissions.
already-running = Adjourn is already running on this computer. Use its window, or close it and try again.
other-record = This interview has a record already, and another one must not take its place.
journal-failed = The interview's journal failed: { $detail }
journal-unreadable = The interview's journal holds something unreadable: { $detail }
no-random-numbers = The system gives no random numbers: { $detail }
journal-put-aside = The journal of earlier interviews was damaged. It was put aside as { $path }. Please give this file to the organiser if a receipt is missing.
entries-put-aside = { $count ->
        [one] One entry of the journal was damaged and was put aside.
       *[other] { $count } entries of the journal were damaged and were put aside.
    } The rest of the interview is complete.
report-made-again = A saved report was damaged and was made again from the interview's journal.

## Devices
no-microphone = No microphone was found. Connect one, then choose it in the list.
no-loudspeaker = No loudspeaker or headphones were found. Connect some, then choose them in the list.
device-denied = Your computer does not let Adjourn use this device. Please allow it in your computer's privacy settings.
device-unusable = This device can't be used ({ $detail }). Please choose another one.
device-away = “{ $device }” is not connected. Until it is, your computer's usual device is used.
device-missing = The device “{ $device }” is not connected. Connect it or choose another one.
sound-system-silent = The computer's sound system does not answer ({ $detail }). Restart the computer or ask for help.
sound-system-hangs = The computer's sound system does not answer. Restart the computer or ask for help.
sound-file-unusable = The sound file { $detail }.

## Joining
settings-unusable = This interview's settings are not usable: { $detail }. Please tell the organiser.
already-ended = This interview has already ended, and nothing of it is lost. If you think this is a mistake, ask the organiser.
ended-here = This interview has already ended on this computer. What was said is kept here and being sent. If you think this is a mistake, ask the organiser.
join-unanswered = The interview's server does not answer. Try again in a minute; if it happens again, try another network, or tell the organiser.
room-unreachable = The interview room does not answer. Try again in a minute; if it happens again, try another network, or tell the organiser.
part-failed = A part of this application failed. Please try again.
room-not-open = The interview room is not open. Ask the organiser whether the interview is still planned.
room-not-there = There is no interview room at the address that the organiser's server gave. This is a mistake of the organiser's servers, so please tell the organiser.
room-closed-while-joining = The interview room's server closed the connection while you were joining. Try again in a minute.
admission-expired = Your admission to the interview room has run out. Try again, and you get a new one.
admission-not-yet-valid = The interview room does not let you in yet, because the organiser's servers disagree about the time. Try again in a minute.
admission-refused = The interview room does not accept your admission. This is a mistake of the organiser's servers, so please tell the organiser.
room-server-failed = The interview room's server has a problem and did not let you in. Close Adjourn on other computers and try again, or tell the organiser.
room-address-not-found = The interview room's address can't be found. Check your internet connection and try again.
room-server-refuses = The interview room's server takes no connections right now. Try again in a minute.
room-server-untrusted = The interview room's server can't prove that it is the right one, so nothing was sent to it. Try another network, or tell the organiser.
room-not-entered = The interview room could not be entered. Try again, and if it happens again, tell the organiser.

## Something to know
no-folder = There is no folder on this computer in which your interview could be kept, because its user has no home. Start Adjourn with --data and a folder.
incomplete = Adjourn is not installed completely, so no interview can be held with it: { $detail }.
another-ends = Adjourn is still saving your last interview. This window goes on in a moment.
one-at-a-time = You opened another interview link. Finish this interview first, close this window, and open the link again.
after-this = You opened an interview link. Close this window first, and open the link again.
nothing-to-copy = There is no report to copy yet.
copied = A copy was saved as { $path }. Please send this file to the organiser.
receipt-saved = Your receipt was saved as { $path }. Open that file to read or to print it.
problem-report-saved = The report was saved as { $path }. Send this file to whoever helps you.
file-unwritable = The file could not be saved in { $folder } ({ $reason }). Free some disk space, or choose another folder for downloads.
not-journaled = This computer's disk does not accept data. Your interview goes on and will be sent directly at its end.
not-typed = What you typed did not reach the interviewer. Please type it again.
unfinished = Your interview was interrupted. What was said is kept; you can go on with it now.
earlier-received = An earlier interview has been received. Receipt: { $receipt }
earlier-refused = The organiser's server did not accept an earlier interview. It is kept on this computer; please tell the organiser.

## What the device check finds
say-a-few-words = Say a few words. We can't hear you yet.
hear-you = We can hear you.
voice-cut-off = Your voice is cut off, because the microphone is too loud. Turn it down in the system's settings, or move away from it.
room-is-loud = It is loud around you. Quiet words may be lost; a quieter place or a headset is better.
play-the-chime = Play the test sound.
did-you-hear-it = Did you hear two soft notes?
chime-heard = You hear your interviewer here.
chime-not-heard = Turn your loudspeaker up, or choose another one in the list, and play the sound again.
echo-heard = You hear your interviewer here, and so does your microphone. Headphones are better; without them we take the echo away.
echo-stays = You hear your interviewer here, and so does your microphone. Please use headphones, or let us take the echo away under "Your voice".
trying-connection = Trying the way to the interview room. This takes a few seconds…
connection-good = The interview room is reached well ({ $ms } ms there and back).
connection-slow = The way to the interview room is slow ({ $ms } ms there and back), so answers will come late. A cable instead of Wi-Fi, or another network, may help.
connection-lossy = { $percent } % of what you say gets lost on the way to the interview room. Move closer to your Wi-Fi, use a cable, or stop what else uses your connection.
connection-by-tcp = The interview room is reached, but your network lets sound through only by a detour (TCP), which may make it stutter. Another network may be better.
connection-not-tried = The way to the interview room can't be tried from here. You can join all the same.

## What goes on
opening-devices = Opening your microphone and loudspeaker…
connecting = Connecting to the interview room…
reconnecting = Reconnecting by itself; you don't have to do anything. What was said is kept.
person-took-over = The interviewer has stopped. { $person } is in the room.
long-wait = This takes longer than usual. You can go on waiting.
interviewer-soon = Your interviewer will be here in a moment.
checking-on-interviewer = The interviewer does not answer at the moment. You don't have to do anything.
interviewer-gone = You don't have to do anything. We wait a moment in case they come back.
muted = The interviewer can't hear you. Turn the microphone on to answer.
muted-in-system = Your microphone is muted in the system's settings.
loudspeaker-muted = Your loudspeaker is muted in the system's settings.
stays-muted = Your microphone is muted in the system's settings, and can't be unmuted from here. Please open your computer's sound settings.
loudspeaker-stays-muted = Your loudspeaker is muted in the system's settings, and can't be unmuted from here. Please open your computer's sound settings.
loudspeaker-stands = Your loudspeaker takes no sound at the moment. Please check that it is connected and switched on.
hold-to-talk = Hold the space key while you speak.
microphone-silent = Your microphone gives no sound. Please check that it is connected and switched on.
listening = The interviewer is listening. Take the time you need.
speaking = You can answer when they finish.
about-to-begin = Your interviewer is about to begin.
goodbye = That was the last question. We are finishing; you don't have to say anything more.
microphone-off = Your microphone is off.
room-closed = We are asking the organiser why. You don't have to do anything.
another-comes = Another interviewer goes on with you. You don't have to do anything.
head-replacing = Another interviewer is joining
interviewer-replaced = Your interviewer had a technical problem. Another one is joining; what you said is kept. You don't have to do anything.
say-hello = Your interviewer is listening. You can say hello.

## The heading over that
head-joining = Joining
head-waiting = Waiting for your interviewer
head-greeting = One moment
head-listening = Your turn
head-speaking = The interviewer is speaking
head-thinking = The interviewer is thinking
head-goodbye = The interviewer has said goodbye
head-checking = Checking on the interviewer
head-gone = The interviewer left the room
head-closed = The room was closed
head-person = Somebody is here for you
head-reconnecting = Your connection dropped
head-muted = Your microphone is off
head-not-heard = The interviewer can't hear you
head-hears-nothing = You can't hear the interviewer

## Numbers about sound
figure-microphone = Microphone: { $device }, { $rate } Hz, { $channels ->
        [one] one channel
       *[other] { $channels } channels
    }, { $buffer } ms at once
figure-loudspeaker = Loudspeaker: { $device }, { $rate } Hz, { $channels ->
        [one] one channel
       *[other] { $channels } channels
    }, { $buffer } ms kept waiting
figure-capture-lost = Lost at the microphone: { $ms } ms
figure-playback-gaps = Gaps at the loudspeaker: { $count }
figure-playback-skipped = Left out at the loudspeaker, to catch up: { $ms } ms
figure-clock-drift = Loudspeaker's clock against the computer's: { $ppm } ppm
figure-round-trip = To the interview room and back: { $ms } ms
figure-sent-lost = Your voice, lost on the way: { $percent } %
figure-received-lost = The interviewer's voice, lost on the way: { $percent } %
figure-jitter-buffer = Kept waiting for late packets: { $ms } ms
figure-concealed = Made up for what was lost: { $percent } %

## What is asked
ask-going-on = Is your interview still going on?
ask-over = Is your interview over?
why-asked-silent = The interviewer has not said anything for a while. You can keep waiting, or end the interview; what was said so far is kept.
why-asked-over = The interviewer seems to have ended the interview. If it is over, you need not do anything.
why-asked-closed = The interviewer is connected but does not answer. It may have ended the interview, or need a moment. If it is over, you need not do anything.
why-asked-person = The interviewer has stopped. { $person } is in the room.
why-asked-somebody = The interviewer has stopped. Somebody else is in the room.
answer-keep-waiting = Keep waiting
answer-going-on = It is still going on

## The end
end-finished = Your interview is complete
end-by-you = You ended the interview
end-never-started = The interview did not start
end-connection-lost = The connection was lost
end-ended = The interview has ended
end-closed = The interview was closed
end-elsewhere = The interview continues elsewhere
end-time-over = The interview's time is over
end-interrupted = The interview was interrupted
because-finished = The interviewer ended the interview.
because-full-time = The interview's full time was used.
because-of-you = You chose to end the interview.
because-nobody-came = No interviewer was available.
because-connection-lost = The connection to the interview room was lost, and it did not come back.
because-room-restarted = The interview room was restarted, and your interviewer did not come back.
because-turned-away = The organiser's servers stopped working properly: your computer reached them, and they did not let it into the interview room again. It was not your computer or your internet connection.
because-session-closed = The interviewer closed the interview.
because-interviewer-left = The interviewer left the room.
because-room-closed = The interview room was closed.
because-organiser-closed = The organiser closed the interview.
because-elsewhere = Your interview was opened again somewhere else: on another computer, or here once more.
because-no-answer = Nothing was said for several minutes.
because-time-limit = The time was used up while you were waiting for the interviewer.
because-closed-here = Adjourn was closed.
because-interviewer-lost = The connection to the interviewer was lost.
because-interviewer-silent = The interviewer stopped responding.
because-interviewer-failed = The interviewer had a technical problem.
because-removed = You were removed from the interview room.
because-part-failed = This application had a technical problem.
next-nothing = You don't have to do anything else.
next-organiser = The organiser can see what happened and will tell you how it goes on. Quote your receipt number when you ask.
next-ask-organiser = Ask the organiser how it goes on.
next-try-again = This was not your fault. Open your link again to try once more. If it does not open, ask the organiser for another time.
next-elsewhere = Go on there.
sign-end-tool = The interviewer ended the interview
sign-end-tool-began = The interviewer began to end the interview
sign-task-done = The interviewer said that its task is done
sign-report = The interviewer's report says that the interview was finished
sign-end-marker = The interviewer said that the interview is over
sign-organiser = The organiser ended the interview
sign-full-time = The interview's full time was used
sign-session-answered = Last answer of the interviewer's session
sign-program-answered = Last answer of the interviewer's program
sign-received = Last received from the interview room
confirmed = The interviewer's own report is in, and confirms: the interview was finished.

## What becomes of it: this alone says whether the window may be closed
fate-saving = Please keep this window open for a moment: your interview is being saved.
fate-sending = Your interview is saved on this computer and is being sent. Please keep this window open for a moment.
fate-saved = Your interview is saved on this computer and has not arrived yet. You can close this window. Open Adjourn again on this computer when it is connected to the internet, and your interview is sent.
fate-parked = Your interview is saved on this computer, but the organiser's server does not take it. Please save a copy and send it to the organiser. Then you can close this window.
fate-unsaved = Keep this window open. The only copy is in this window, and we keep trying to send it. To be sure, save a copy for the organiser.
fate-refused = Keep this window open until you have a copy: it holds the only one, and the organiser's server does not take it. Please save a copy and send it to the organiser.
fate-received = Your interview arrived, and we checked the receipt. You can close this window.
fate-received-here = What was said here arrived, and we checked the receipt. You can close this window.
fate-never-telling = We are telling the organiser that your interview did not begin. Please keep this window open for a moment.
fate-never-later = The organiser could not be told yet that your interview did not begin. Nothing is lost. You can close this window.
fate-never-untold = The organiser's server could not be told that your interview did not begin. Please tell the organiser. You can close this window.
fate-never-told = The organiser knows that your interview did not begin. You can close this window.

## Said elsewhere than on the page (elsewhere.json): a receipt's own page, and where there is no page
receipt-title = Receipt { $receipt }
receipt-meaning = { $host } confirms that the record of this interview arrived. Keep this page: it is your proof.
receipt-title-of = Title
receipt-organiser = Organiser's server
receipt-outcome = How it ended
receipt-ended = Ended
receipt-received = Received
receipt-number = Receipt
receipt-proof = For whoever checks it: the receipt was signed with the key that is named here, and the digest (SHA-256) is of the record as it was sent.
receipt-square = The signed receipt, for a telephone
receipt-record-id = Record
receipt-digest = Digest (SHA-256)
receipt-key = Key
receipt-signed = Signed receipt
page-gone = This window can't show anything at the moment, and keeps trying. An interview that has begun goes on: listen and speak as before. If you close the window, it ends; what was said is kept and is sent as soon as possible.
no-webview = Adjourn needs Microsoft's WebView2 Runtime to show its window, and this computer does not have it. Install “Evergreen Bootstrapper” from developer.microsoft.com/microsoft-edge/webview2 and open Adjourn again. Nothing is lost.
