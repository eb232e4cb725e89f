"""The service ``eta``: when will this parcel arrive?"""
