"""Mails, mailboxes and Outlook messages, with their attachments."""
