# What the window says by itself. Each name is used in ui/src.

## Everywhere
adjourn = Adjourn
title = { $what } – Adjourn
help = Help
language = Language
theme = Colours
theme-system = As on this computer
theme-light = Light
theme-dark = Dark
caption-size = Size of captions
size-small = Small
size-usual = Usual
size-large = Large
size-largest = Largest
help-kept = What is said is kept on this computer until it has arrived. A connection that breaks for a moment comes back by itself. If the computer is switched off, open your link again soon, and you go on where you were.
help-organiser = If something does not work, tell the organiser who sent you the link. Your receipt number at the end says which interview it was.
help-host = Your interview is sent to { $host }.
help-keys = Keys
key-mute = Ctrl+M
key-escape = Esc
help-key-space = Talk while it is held, with push to talk
key-space = Space
help-key-mute = Turn the microphone off or on
help-key-escape = Close a question; nothing ends
about = Adjourn { $version }, free software under the Apache License 2.0. The licences of what it is made of come with its package.
problem-report = Report a problem
problem-report-holds = Below is all that would be in the file: what the window showed, figures, the organiser's server and the number of your interview. No person's name, no code, and nothing of what was said.
problem-report-save = Save the report
not-taken = That was not done. Please try it again.

## Start
welcome = Welcome
paste-link = Paste the link from your invitation to begin.
interview-link = Interview link
continue = Continue
what-it-does = Before you join, you can check your microphone and your loudspeaker.

## The host
is-this-your-organiser = Is this your organiser?
new-server = Your link leads to a server that you have not used before:
only-if-you-know-it = Go on only if you know it from your invitation. Your voice and answers will be sent there.
no-go-back = No, go back
yes-continue = Yes, continue

## Device check
about-interview = About this interview
invited-begun = It was begun before, and goes on where it was.
invited-by = { $organiser } invites you to this interview.
invited-length = { $minutes ->
    [one] It takes one minute at most.
   *[other] It takes { $minutes } minutes at most.
}
invited-interviewer = The interviewer is an automated voice: talk with it as with a person.
need-adjustment = I need an adjustment
adjustment-contact = The organiser reads what you write here only after the interview. To have it in time, tell them now:
adjustment-no-contact = The organiser reads what you write here only after the interview. To have it in time, answer their invitation.
adjustment-what = What do you need?
adjustment-kept = It is kept on this computer and sent with your interview.
adjustment-not-kept = It can't be kept here: join now to send it.
check-your-sound = Check your sound
check-your-sound-how = Say a few words, and play the test sound. You can join at any time.
check-open = Not checked yet
check-good = Fine
check-warning = Could be better
check-bad = Does not work
microphone = Microphone
microphone-level = Microphone level
loudspeaker = Loudspeaker or headphones
loudspeaker-level = Loudspeaker level
record-sample = Record me for 3 seconds
recording-sample = Recording: speak now…
playing-sample = Playing what you said…
heard-it = Yes, I heard it
heard-nothing = No
connection = Way to the interview room
try-connection-again = Try it again
play-test-sound = Play test sound
not-connected = The one that you chose (not connected)
sound = Sound
sound-devices = Microphone and loudspeaker
unmute-in-system = Unmute
unmute-microphone = Unmute the microphone
unmute-loudspeaker = Unmute the loudspeaker
in-use = In use now: { $device }
done = Done
look-again = Look for devices again
other-link = Use another link
your-voice = Your voice
push-to-talk = Push to talk: I am heard only while I hold the space key
stage-echo = Take away the echo of the loudspeaker
stage-noise = Turn down noise
stage-gain = Turn up a quiet voice
technical-details = Technical details
no-figures = There are no numbers before a device is open.
verdict-open = open
verdict-good = good
verdict-warning = fair
verdict-bad = poor
join = Join the interview
join-waits = Please wait for the staff
join-ask-staff = Please ask the staff
try-again = Try again
system-default = System default
system-default-named = System default ({ $device })

## Waiting
nobody-comes-minutes = If nobody comes within { $minutes } minutes, this ends by itself.
nobody-comes-soon = If nobody comes within a minute or so, this ends by itself.
leave = Leave
answer-wait = Stay and wait

## Interview
seconds-reconnecting = { $seconds ->
        [one] If it is not back in one second, the interview ends here.
       *[other] If it is not back in { $seconds } seconds, the interview ends here.
    }
seconds-checking = { $seconds ->
        [one] We will know in one second at the latest.
       *[other] We will know in { $seconds } seconds at the latest.
    }
seconds-gone = { $seconds ->
        [one] If nobody comes back within one second, the interview ends.
       *[other] If nobody comes back within { $seconds } seconds, the interview ends.
    }
ends-unanswered = { $seconds ->
        [one] Without an answer, the interview ends in one second.
       *[other] Without an answer, the interview ends in { $seconds } seconds.
    }
text-size = Text size
switch-on = On · Ctrl+M
switch-off = Off · Ctrl+M
time-of = { $time } of { $minutes } min
there-is-time = There is time
newest = Newest ↓
less-than-a-minute = Less than a minute left.
minutes-left = { $minutes ->
        [one] About one minute left.
       *[other] About { $minutes } minutes left.
    }
hold-this = Hold to talk
end-interview = End interview
conversation = Conversation
you = You
interviewer = Interviewer
nothing-said = What is said appears here.
it-is-over = It is over
type-instead = Type instead of speaking
type-answer = Your answer
type-send = Send
repeat-question = Repeat the question
repeat-words = Could you please repeat the question?

## Ending it
end-it-question = End the interview?
end-it-meaning = The interview will be over and what was said will be sent. You can't come back to it.
go-on = Go on with the interview
end-it = End it

## Closing the window
close-unsafe-question = Close although your interview is not safe yet?
close-unsafe-meaning = What you said has not reached the organiser and is not saved on this computer. If you close this window now, it may be lost.
keep-open = Keep this window open
close-all-the-same = Close all the same
close-again = Closing the window again means “{ $answer }”.

## The end
wrapping-up = Wrapping up…
being-saved = Your interview is over and is being saved.
saving = Saving
receipt = Receipt
save-copy = Save a copy for the organiser
save-receipt = Save receipt
microphone-is-off = Off
noticed = Noticed here
how-we-know = How we know that it is over
what-becomes-of-it = What becomes of your interview
sending = Sending
fact-interview = Interview
fact-ended = Ended
fact-length = Length
close = Close
