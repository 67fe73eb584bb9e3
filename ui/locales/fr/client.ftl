# Ce que le programme dit à la personne qui se présente. Les noms sont ceux de `en/client.ftl`.

## A link, and its host
not-a-link = Ce n'est pas un lien d'entretien. Il doit commencer par adjourn://join. Copiez le lien entier de votre invitation.
link-incomplete = Le lien de l'entretien est incomplet ({ $part ->
        [server] le serveur
       *[code] le code
    } manque, ou y figure deux fois). Copiez le lien entier de votre invitation.
link-bad-server = Le lien de l'entretien nomme le serveur « { $server } », qui n'est pas une adresse web. Copiez le lien entier de votre invitation.
link-unencrypted = Le lien de l'entretien mène à un serveur non chiffré ({ $host }). Demandez à l'organisateur un lien en https.
link-bad-code = Le code du lien n'est pas valable. Il ressemble à K7QF-9M2X. Copiez le lien entier de votre invitation.

## The backend
backend-unreachable = Le serveur d'entretiens { $host } est injoignable. Vérifiez votre connexion internet et réessayez.
backend-untrusted = Le serveur d'entretiens { $host } ne peut pas prouver qu'il est le bon ; rien ne lui a donc été envoyé. Essayez un autre réseau, ou prévenez l'organisateur.
backend-unusable = Le serveur d'entretiens { $host } ne répond pas correctement ({ $detail }). Réessayez dans une minute.
code-unknown = { $host } ne connaît pas ce code. Comparez-le avec votre invitation.
code-used = Ce code a déjà servi sur un autre ordinateur ou dans une autre installation. Demandez-en un nouveau à l'organisateur.
interview-not-open = Cet entretien n'est pas ouvert en ce moment. Vérifiez l'heure dans votre invitation, ou demandez à l'organisateur.
too-many-wrong-codes = Trop de codes erronés sont venus d'ici. Attendez une minute et réessayez.
interview-unknown = Le serveur d'entretiens { $host } ne sait rien de cet entretien. Réessayez dans une minute, ou prévenez l'organisateur.
session-refused = Le serveur d'entretiens n'accepte plus cette session.
record-exists = Le serveur d'entretiens a déjà un autre rapport sur cet entretien (reçu { $receipt }).
record-refused = Le serveur d'entretiens refuse le rapport : { $detail }

## What is kept on this computer
journal-unwritable = Le journal de l'entretien { $path } ne peut pas être écrit ({ $reason }). Libérez de la place sur le disque ou vérifiez les droits du dossier.
already-running = Adjourn est déjà ouvert sur cet ordinateur. Utilisez sa fenêtre, ou fermez-la et réessayez.
other-record = Cet entretien a déjà un rapport, et un autre ne doit pas prendre sa place.
journal-failed = Le journal de l'entretien a échoué : { $detail }
journal-unreadable = Le journal de l'entretien contient quelque chose d'illisible : { $detail }
no-random-numbers = Le système ne fournit pas de nombres aléatoires : { $detail }
journal-put-aside = Le journal d'entretiens précédents était endommagé. Il a été mis de côté sous { $path }. Remettez ce fichier à l'organisateur s'il manque un reçu.
entries-put-aside = { $count ->
        [one] Une ligne du journal était endommagée et a été mise de côté.
       *[other] { $count } lignes du journal étaient endommagées et ont été mises de côté.
    } Le reste de l'entretien est complet.
report-made-again = Un rapport enregistré était endommagé et a été refait à partir du journal de l'entretien.

## Devices
no-microphone = Aucun microphone n'a été trouvé. Branchez-en un, puis choisissez-le dans la liste.
no-loudspeaker = Aucun haut-parleur ni casque n'a été trouvé. Branchez-en un, puis choisissez-le dans la liste.
device-denied = Votre ordinateur ne laisse pas Adjourn utiliser cet appareil. Autorisez-le dans les réglages de confidentialité de votre ordinateur.
device-unusable = Cet appareil ne peut pas être utilisé ({ $detail }). Choisissez-en un autre.
device-away = « { $device } » n'est pas branché. En attendant, l'appareil habituel de votre ordinateur est utilisé.
device-missing = L'appareil « { $device } » n'est pas branché. Branchez-le ou choisissez-en un autre.
sound-system-silent = Le système de son de l'ordinateur ne répond pas ({ $detail }). Redémarrez l'ordinateur ou demandez de l'aide.
sound-system-hangs = Le système de son de l'ordinateur ne répond pas. Redémarrez l'ordinateur ou demandez de l'aide.
sound-file-unusable = Le fichier son { $detail }.

## Joining
settings-unusable = Les réglages de cet entretien sont inutilisables : { $detail }. Prévenez l'organisateur.
already-ended = Cet entretien est déjà terminé, et rien n'en est perdu. Si vous pensez que c'est une erreur, demandez à l'organisateur.
ended-here = Cet entretien est déjà terminé sur cet ordinateur. Ce qui a été dit est conservé ici et en cours d'envoi. Si vous pensez que c'est une erreur, demandez à l'organisateur.
join-unanswered = Le serveur de l'entretien ne répond pas. Réessayez dans une minute ; si cela se reproduit, essayez un autre réseau ou prévenez l'organisateur.
room-unreachable = La salle d'entretien ne répond pas. Réessayez dans une minute ; si cela se reproduit, essayez un autre réseau ou prévenez l'organisateur.
part-failed = Une partie de ce programme a échoué. Réessayez.
room-not-open = La salle d'entretien n'est pas ouverte. Demandez à l'organisateur si l'entretien est toujours prévu.
room-not-there = Il n'y a pas de salle d'entretien à l'adresse que le serveur de l'organisateur a donnée. C'est une erreur de ses serveurs ; prévenez l'organisateur.
room-closed-while-joining = Le serveur de la salle a fermé la connexion pendant que vous entriez. Réessayez dans une minute.
admission-expired = Votre droit d'entrée dans la salle a expiré. Réessayez, et vous en recevrez un nouveau.
admission-not-yet-valid = La salle ne vous laisse pas encore entrer, car les horloges des serveurs de l'organisateur ne s'accordent pas. Réessayez dans une minute.
admission-refused = La salle n'accepte pas votre droit d'entrée. C'est une erreur des serveurs de l'organisateur ; prévenez-le.
room-server-failed = Le serveur de la salle a un problème et ne vous a pas laissé entrer. Fermez Adjourn sur d'autres ordinateurs et réessayez, ou prévenez l'organisateur.
room-address-not-found = L'adresse de la salle est introuvable. Vérifiez votre connexion internet et réessayez.
room-server-refuses = Le serveur de la salle n'accepte pas de connexions en ce moment. Réessayez dans une minute.
room-server-untrusted = Le serveur de la salle ne peut pas prouver qu'il est le bon ; rien ne lui a donc été envoyé. Essayez un autre réseau, ou prévenez l'organisateur.
room-not-entered = Impossible d'entrer dans la salle d'entretien. Réessayez et, si cela se reproduit, prévenez l'organisateur.

## Something to know
no-folder = Il n'y a sur cet ordinateur aucun dossier où conserver votre entretien, car l'utilisateur n'a pas de dossier personnel. Démarrez Adjourn avec --data et un dossier.
incomplete = Adjourn n'est pas entièrement installé ; aucun entretien n'est possible ainsi : { $detail }.
another-ends = Adjourn enregistre encore votre dernier entretien. Cette fenêtre continue dans un instant.
one-at-a-time = Vous avez ouvert un autre lien d'entretien. Terminez d'abord cet entretien, fermez cette fenêtre et rouvrez le lien.
after-this = Vous avez ouvert un lien d'entretien. Fermez d'abord cette fenêtre et rouvrez le lien.
nothing-to-copy = Il n'y a pas encore de rapport à copier.
copied = Une copie a été enregistrée sous { $path }. Envoyez ce fichier à l'organisateur.
receipt-saved = Votre reçu a été enregistré sous { $path }. Ouvrez ce fichier pour le lire ou l'imprimer.
problem-report-saved = Le rapport a été enregistré sous { $path }. Envoyez ce fichier à la personne qui vous aide.
file-unwritable = Le fichier n'a pas pu être enregistré dans { $folder } ({ $reason }). Libérez de la place sur le disque, ou choisissez un autre dossier de téléchargement.
not-journaled = Le disque de cet ordinateur n'accepte pas de données. Votre entretien continue et sera envoyé directement à la fin.
not-typed = Ce que vous avez écrit n'est pas parvenu à l'intervieweur. Veuillez l'écrire à nouveau.
unfinished = Votre entretien a été interrompu. Ce qui a été dit est conservé ; vous pouvez le poursuivre maintenant.
earlier-received = Un entretien précédent est arrivé. Reçu : { $receipt }
earlier-refused = Le serveur de l'organisateur n'a pas accepté un entretien précédent. Il est conservé sur cet ordinateur ; prévenez l'organisateur.

## What the device check finds
say-a-few-words = Dites quelques mots. Nous ne vous entendons pas encore.
hear-you = Nous vous entendons.
voice-cut-off = Votre voix est saturée, car le microphone est trop fort. Baissez-le dans les réglages du système, ou éloignez-vous.
room-is-loud = Il y a du bruit autour de vous. Des mots prononcés doucement peuvent se perdre ; un endroit plus calme ou un casque est préférable.
play-the-chime = Jouez le son d'essai.
did-you-hear-it = Avez-vous entendu deux notes douces ?
chime-heard = C'est ici que vous entendrez votre intervieweur.
chime-not-heard = Montez le volume du haut-parleur, ou choisissez-en un autre dans la liste, et rejouez le son.
echo-heard = C'est ici que vous entendrez votre intervieweur, et votre microphone l'entend aussi. Un casque est préférable ; sans lui, nous retirons l'écho.
echo-stays = C'est ici que vous entendrez votre intervieweur, et votre microphone l'entend aussi. Utilisez un casque, ou laissez-nous retirer l'écho sous « Votre voix ».
trying-connection = Essai du chemin vers la salle d'entretien. Cela prend quelques secondes…
connection-good = La salle d'entretien est bien joignable ({ $ms } ms aller-retour).
connection-slow = Le chemin vers la salle est lent ({ $ms } ms aller-retour) ; les réponses arriveront tard. Un câble au lieu du wifi, ou un autre réseau, peut aider.
connection-lossy = { $percent } % de ce que vous dites se perd sur le chemin de la salle. Rapprochez-vous du wifi, utilisez un câble, ou arrêtez ce qui utilise aussi votre connexion.
connection-by-tcp = La salle est joignable, mais votre réseau ne laisse passer le son que par un détour (TCP) ; il peut être saccadé. Un autre réseau serait peut-être préférable.
connection-not-tried = Le chemin vers la salle ne peut pas être essayé d'ici. Vous pouvez entrer quand même.

## What goes on
opening-devices = Ouverture du microphone et du haut-parleur…
connecting = Connexion à la salle d'entretien…
reconnecting = La connexion se rétablit d'elle-même ; vous n'avez rien à faire. Ce qui a été dit est conservé.
person-took-over = L'intervieweur s'est arrêté. { $person } est dans la salle.
long-wait = C'est plus long que d'habitude. Vous pouvez continuer d'attendre.
interviewer-soon = Votre intervieweur arrive dans un instant.
checking-on-interviewer = L'intervieweur ne répond pas en ce moment. Vous n'avez rien à faire.
interviewer-gone = Vous n'avez rien à faire. Nous attendons un instant, au cas où il reviendrait.
muted = L'intervieweur ne vous entend pas. Activez le microphone pour répondre.
muted-in-system = Votre microphone est coupé dans les réglages du système.
loudspeaker-muted = Votre haut-parleur est coupé dans les réglages du système.
stays-muted = Votre microphone est coupé dans les réglages du système, et cela ne peut pas être changé d'ici. Ouvrez les réglages du son de votre ordinateur.
loudspeaker-stays-muted = Votre haut-parleur est coupé dans les réglages du système, et cela ne peut pas être changé d'ici. Ouvrez les réglages du son de votre ordinateur.
loudspeaker-stands = Votre haut-parleur n'accepte pas de son en ce moment. Vérifiez qu'il est branché et allumé.
hold-to-talk = Maintenez la barre d'espace pendant que vous parlez.
microphone-silent = Aucun son ne vient de votre microphone. Vérifiez qu'il est branché et allumé.
listening = L'intervieweur vous écoute. Prenez le temps qu'il vous faut.
speaking = Vous pourrez répondre quand il aura fini.
about-to-begin = Votre intervieweur va commencer.
goodbye = C'était la dernière question. Nous terminons ; vous n'avez plus rien à dire.
microphone-off = Votre microphone est coupé.
room-closed = Nous demandons pourquoi à l'organisateur. Vous n'avez rien à faire.
another-comes = Un autre intervieweur continue avec vous. Vous n'avez rien à faire.
head-replacing = Un autre intervieweur arrive
interviewer-replaced = Votre intervieweur a rencontré un problème technique. Un autre le remplace ; ce que vous avez dit est conservé. Vous n'avez rien à faire.
say-hello = Votre intervieweur vous écoute. Vous pouvez dire bonjour.

## The heading over that
head-joining = Entrée
head-waiting = En attente de votre intervieweur
head-greeting = Un instant
head-listening = À vous
head-speaking = L'intervieweur parle
head-thinking = L'intervieweur réfléchit
head-goodbye = L'intervieweur a pris congé
head-checking = Nous vérifions où en est l'intervieweur
head-gone = L'intervieweur a quitté la salle
head-closed = La salle a été fermée
head-person = Quelqu'un est là pour vous
head-reconnecting = Votre connexion est coupée
head-muted = Votre microphone est coupé
head-not-heard = L'intervieweur ne vous entend pas
head-hears-nothing = Vous n'entendez pas l'intervieweur

## Numbers about sound
figure-microphone = Microphone : { $device }, { $rate } Hz, { $channels ->
        [one] un canal
       *[other] { $channels } canaux
    }, { $buffer } ms à la fois
figure-loudspeaker = Haut-parleur : { $device }, { $rate } Hz, { $channels ->
        [one] un canal
       *[other] { $channels } canaux
    }, { $buffer } ms en attente
figure-capture-lost = Perdu au microphone : { $ms } ms
figure-playback-gaps = Trous au haut-parleur : { $count }
figure-playback-skipped = Omis au haut-parleur pour rattraper : { $ms } ms
figure-clock-drift = Horloge du haut-parleur par rapport à celle de l'ordinateur : { $ppm } ppm
figure-round-trip = Jusqu'à la salle d'entretien et retour : { $ms } ms
figure-sent-lost = Votre voix, perdue en chemin : { $percent } %
figure-received-lost = La voix de l'intervieweur, perdue en chemin : { $percent } %
figure-jitter-buffer = Attente des paquets tardifs : { $ms } ms
figure-concealed = Reconstitué pour ce qui s'est perdu : { $percent } %

## What is asked
ask-going-on = Votre entretien continue-t-il ?
ask-over = Votre entretien est-il terminé ?
why-asked-silent = L'intervieweur n'a rien dit depuis un moment. Vous pouvez continuer d'attendre, ou terminer l'entretien ; ce qui a été dit jusqu'ici est conservé.
why-asked-over = L'intervieweur semble avoir terminé l'entretien. S'il est terminé, vous n'avez rien à faire.
why-asked-closed = L'intervieweur est connecté mais ne répond pas. Il a peut-être terminé l'entretien, ou a besoin d'un instant. S'il est terminé, vous n'avez rien à faire.
why-asked-person = L'intervieweur s'est arrêté. { $person } est dans la salle.
why-asked-somebody = L'intervieweur s'est arrêté. Quelqu'un d'autre est dans la salle.
answer-keep-waiting = Continuer d'attendre
answer-going-on = Il continue

## The end
end-finished = Votre entretien est complet
end-by-you = Vous avez terminé l'entretien
end-never-started = L'entretien n'a pas commencé
end-connection-lost = La connexion a été perdue
end-ended = L'entretien est terminé
end-closed = L'entretien a été fermé
end-elsewhere = L'entretien continue ailleurs
end-time-over = Le temps de l'entretien est écoulé
end-interrupted = L'entretien a été interrompu
because-finished = L'intervieweur a terminé l'entretien.
because-full-time = Tout le temps de l'entretien a été utilisé.
because-of-you = Vous avez choisi de terminer l'entretien.
because-nobody-came = Aucun intervieweur n'était disponible.
because-connection-lost = La connexion à la salle d'entretien a été perdue, et elle n'est pas revenue.
because-room-restarted = La salle d'entretien a été redémarrée, et votre intervieweur n'est pas revenu.
because-turned-away = Les serveurs de l'organisateur ont cessé de bien fonctionner : votre ordinateur les a joints, et ils ne l'ont plus laissé entrer dans la salle. Cela ne venait ni de votre ordinateur ni de votre connexion internet.
because-session-closed = L'intervieweur a fermé l'entretien.
because-interviewer-left = L'intervieweur a quitté la salle.
because-room-closed = La salle d'entretien a été fermée.
because-organiser-closed = L'organisateur a fermé l'entretien.
because-elsewhere = Votre entretien a été rouvert ailleurs : sur un autre ordinateur, ou ici une seconde fois.
because-no-answer = Rien n'a été dit pendant plusieurs minutes.
because-time-limit = Le temps s'est écoulé pendant que vous attendiez l'intervieweur.
because-closed-here = Adjourn a été fermé.
because-interviewer-lost = La connexion avec l'intervieweur a été perdue.
because-interviewer-silent = L'intervieweur a cessé de répondre.
because-interviewer-failed = L'intervieweur a eu un problème technique.
because-removed = On vous a retiré de la salle d'entretien.
because-part-failed = Ce programme a eu un problème technique.
next-nothing = Vous n'avez rien d'autre à faire.
next-organiser = L'organisateur peut voir ce qui s'est passé et vous dira la suite. Donnez le numéro de votre reçu quand vous le contactez.
next-ask-organiser = Demandez la suite à l'organisateur.
next-try-again = Ce n'était pas votre faute. Rouvrez votre lien pour réessayer. S'il ne s'ouvre pas, demandez un autre rendez-vous à l'organisateur.
next-elsewhere = Poursuivez là-bas.
sign-end-tool = L'intervieweur a terminé l'entretien
sign-end-tool-began = L'intervieweur a commencé à terminer l'entretien
sign-task-done = L'intervieweur a dit que sa tâche est accomplie
sign-report = Le rapport de l'intervieweur dit que l'entretien était complet
sign-end-marker = L'intervieweur a dit que l'entretien est terminé
sign-organiser = L'organisateur a terminé l'entretien
sign-full-time = Tout le temps de l'entretien a été utilisé
sign-session-answered = Dernière réponse de la session de l'intervieweur
sign-program-answered = Dernière réponse du programme de l'intervieweur
sign-received = Dernière réception depuis la salle d'entretien
confirmed = Le rapport de l'intervieweur est arrivé et le confirme : l'entretien était complet.

## What becomes of it: this alone says whether the window may be closed
fate-saving = Gardez cette fenêtre ouverte un instant : votre entretien est en cours d'enregistrement.
fate-sending = Votre entretien est enregistré sur cet ordinateur et en cours d'envoi. Gardez cette fenêtre ouverte un instant.
fate-saved = Votre entretien est enregistré sur cet ordinateur et n'est pas encore arrivé. Vous pouvez fermer cette fenêtre. Rouvrez Adjourn sur cet ordinateur quand il sera connecté à internet, et votre entretien sera envoyé.
fate-parked = Votre entretien est enregistré sur cet ordinateur, mais le serveur de l'organisateur ne l'accepte pas. Enregistrez une copie et envoyez-la à l'organisateur. Ensuite, vous pouvez fermer cette fenêtre.
fate-unsaved = Gardez cette fenêtre ouverte. La seule copie est dans cette fenêtre, et nous essayons toujours de l'envoyer. Par sécurité, enregistrez une copie pour l'organisateur.
fate-refused = Gardez cette fenêtre ouverte jusqu'à ce que vous ayez une copie : elle contient la seule, et le serveur de l'organisateur ne l'accepte pas. Enregistrez une copie et envoyez-la à l'organisateur.
fate-received = Votre entretien est arrivé, et nous avons vérifié le reçu. Vous pouvez fermer cette fenêtre.
fate-received-here = Ce qui a été dit ici est arrivé, et nous avons vérifié le reçu. Vous pouvez fermer cette fenêtre.
fate-never-telling = Nous signalons à l'organisateur que votre entretien n'a pas commencé. Gardez cette fenêtre ouverte un instant.
fate-never-later = L'organisateur n'a pas encore pu être averti que votre entretien n'a pas commencé. Rien n'est perdu. Vous pouvez fermer cette fenêtre.
fate-never-untold = Le serveur de l'organisateur n'a pas pu être averti que votre entretien n'a pas commencé. Prévenez l'organisateur. Vous pouvez fermer cette fenêtre.
fate-never-told = L'organisateur sait que votre entretien n'a pas commencé. Vous pouvez fermer cette fenêtre.

## Said elsewhere than on the page (elsewhere.json): a receipt's own page, and where there is no page
receipt-title = Reçu { $receipt }
receipt-meaning = { $host } confirme que l'enregistrement de cet entretien est arrivé. Gardez cette page : c'est votre preuve.
receipt-title-of = Titre
receipt-organiser = Serveur de l'organisateur
receipt-outcome = Fin
receipt-ended = Terminé
receipt-received = Arrivé
receipt-number = Reçu
receipt-proof = Pour qui le vérifie : le reçu est signé avec la clé indiquée ici, et l'empreinte (SHA-256) est celle de l'enregistrement tel qu'il a été envoyé.
receipt-square = Le reçu signé, pour un téléphone
receipt-record-id = Enregistrement
receipt-digest = Empreinte (SHA-256)
receipt-key = Clé
receipt-signed = Reçu signé
page-gone = Cette fenêtre ne peut rien afficher pour le moment et continue d'essayer. Un entretien commencé se poursuit : écoutez et parlez comme avant. Si vous fermez la fenêtre, il se termine ; ce qui a été dit est conservé et envoyé dès que possible.
no-webview = Pour afficher sa fenêtre, Adjourn a besoin de WebView2 Runtime de Microsoft, qui manque sur cet ordinateur. Installez « Evergreen Bootstrapper » depuis developer.microsoft.com/microsoft-edge/webview2 et ouvrez de nouveau Adjourn. Rien n'est perdu.
